"use client";
import { useState } from "react";
import { usePeople, useRoom } from "./chat.tsx";

export function Lobby() {
  const { entered, messages, problem, say } = useRoom("lobby");
  const { people, setTyping } = usePeople("lobby", entered);
  const [text, setText] = useState("");
  return (
    <section>
      {problem && <p role="alert">{problem}</p>}
      <p>{people.map(({ id, state }) => state?.typing ? `${id} types` : id).sort().join(", ")}</p>
      <ul>{messages.map(({ id, from, text }) => <li key={id}>{`${from}: ${text}`}</li>)}</ul>
      <form
        onSubmit={async (event) => {
          event.preventDefault();
          await say(text);
          setText("");
          setTyping(false);
        }}
      >
        <input
          value={text}
          disabled={!entered}
          onChange={({ currentTarget: { value } }) => {
            setText(value);
            setTyping(value !== "");
          }}
        />
      </form>
    </section>
  );
}

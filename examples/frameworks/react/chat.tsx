"use client";
import type { Client } from "@trunkline/hub/client";
import { presence, type PresenceMember } from "@trunkline/hub/client/presence";
import { createContext, type ReactNode, useCallback, useContext, useEffect, useState } from "react";
import type { chat, Message } from "../../recipes/chat/contract.ts";

/** A client of either role: it may use what both have. */
export type ChatClient = Client<typeof chat.definition, "member" | "admin">;

const Chat = createContext<ChatClient | undefined>(undefined);

/** Connects while the component is shown, as `RealtimeProvider` does. */
export function ChatProvider({ connect, children }: { connect: () => ChatClient; children: ReactNode }) {
  const [client, setClient] = useState<ChatClient>();
  useEffect(() => {
    const client = connect();
    setClient(client);
    return () => void client.close();
  }, [connect]);
  return <Chat value={client}>{children}</Chat>;
}

/** Is in a room while the component is shown. Use it once for each room, and hand its result to other components. */
export function useRoom(room: string) {
  const client = useContext(Chat);
  const [entered, setEntered] = useState(false);
  const [messages, setMessages] = useState<readonly Message[]>([]);
  const [problem, setProblem] = useState<string>();

  useEffect(() => {
    if (!client) return;
    let left = false;
    const end = (reason: string) => {
      if (left) return;
      setEntered(false);
      setProblem(reason);
    };
    const stops = [
      client.on("message", (message) => {
        if (message.room !== room) return;
        // The newest messages come again with each join: keep one of each.
        setMessages((known) => [...known.filter(({ id }) => id !== message.id), message].slice(-200));
      }),
      client.on("removed", (news) => news.room === room && end(`Removed by ${news.by}`)),
      client.onRecovery(({ room: name, error }) => { // after a reconnect
        if (name === `room/${room}` && error) end(error.message);
      }),
    ];
    client.request("join", { room }).then(() => left || setEntered(true), (error) => end(error.message));
    return () => {
      left = true;
      for (const stop of stops) stop();
      client.request("leave", { room }).catch(() => {}); // the client may be closed already
      setEntered(false);
      setMessages([]);
      setProblem(undefined);
    };
  }, [client, room]);

  const say = useCallback((text: string) => client?.request("say", { room, text }), [client, room]);
  return { entered, messages, problem, say };
}

type Person = PresenceMember<{ typing: boolean }>;

/** Who is in a room. Ask only when the client is in it: `entered` of `useRoom`. */
export function usePeople(room: string, entered: boolean) {
  const client = useContext(Chat);
  const [people, setPeople] = useState<readonly Person[]>([]);
  const [setTyping, set] = useState(() => (_: boolean) => {});

  useEffect(() => {
    if (!client || !entered) return;
    const view = presence(client, `room/${room}`);
    const draw = () => setPeople(view.list());
    for (const event of ["sync", "join", "leave", "update"] as const) view.on(event, draw);
    view.ready.then(draw, () => {}); // if the client is out of the room, `problem` of `useRoom` says why
    set(() => (typing: boolean) => void view.set({ typing }).catch(() => {}));
    return () => {
      void view.close();
      setPeople([]);
      set(() => () => {});
    };
  }, [client, room, entered]);

  return { people, setTyping };
}

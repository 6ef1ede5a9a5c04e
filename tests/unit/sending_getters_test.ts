/** Getters of a payload that send, part and close connections while their own message is encoded. */

import { assertEquals } from "@std/assert";
import { Group } from "../../hub/groups/group.ts";
import { OutgoingMessage } from "../../hub/outbox/outgoing_message.ts";
import { test } from "../harness.ts";
import { numbered } from "./counting_codec.ts";
import { TapeScene } from "./tape_scene.ts";

const numbers = (messages: readonly unknown[]): unknown[] =>
  messages.map((message) => (message as unknown[])[2]);

/** Two connections of a group, and a group of the first alone. */
function scene() {
  const tapes = new TapeScene();
  const [one, two] = [tapes.connect(), tapes.connect()];
  const [both, alone] = [new Group(), new Group()];
  for (const conn of [one, two]) both.add(conn);
  alone.add(one);
  return { one, two, both, alone, tapes };
}
type Scene = ReturnType<typeof scene>;

/** What the first connection has got before, in this turn. */
const before: Record<string, (scene: Scene) => void> = {
  "nothing": () => {},
  "a message of its own": ({ one }) => one.outbox.pushOwn(numbered(1)),
  "a message in a list of its own": ({ one }) => one.outbox.push(numbered(1)),
  "a message for all": ({ both }) => both.deliver(numbered(1)),
  "a message for all without it": ({ one, both }) => both.deliver(numbered(1), { except: one }),
  "the begin of a reply": ({ one }) => one.outbox.beginReply(),
};
/** What a getter sends. */
const inside: Record<string, (scene: Scene) => void> = {
  "sends an answer": ({ one }) => one.outbox.pushOwn(numbered(2)),
  "sends a message": ({ one }) => one.outbox.push(numbered(2)),
  "tells a group of one": ({ alone }) => alone.deliver(numbered(2)),
  "tells all": ({ both }) => both.deliver(numbered(2)),
  "tells all, after it has sent what is there": ({ one, both }) => {
    one.outbox.flush();
    both.deliver(numbered(2));
  },
  "sends much": ({ one }) => {
    for (let n = 0; n < 70; n++) one.outbox.pushOwn(numbered(2));
  },
};
/** How the message with the getter is sent. */
const outside: Record<string, (scene: Scene, message: OutgoingMessage) => void> = {
  "an answer": ({ one }, message) => one.outbox.pushOwn(message),
  "a message": ({ one }, message) => one.outbox.push(message),
  "a message to a group of one": ({ alone }, message) => alone.deliver(message),
  "a message to all": ({ both }, message) => both.deliver(message),
};

/** A message whose payload has a getter. */
function getting(n: number, get: () => void): OutgoingMessage {
  let hasRun = false;
  const payload = {
    toJSON() {
      if (!hasRun) {
        hasRun = true;
        get();
      }
      return n;
    },
  };
  return new OutgoingMessage(["ev", "n", payload]);
}

for (const [what, send] of Object.entries(outside)) {
  test(`outbox: a getter may send while ${what} is encoded, and nothing is lost or parted from its turn`, () => {
    for (const [had, prepare] of Object.entries(before)) {
      for (const [does, act] of Object.entries(inside)) {
        const all = scene();
        prepare(all);
        send(all, getting(3, () => act(all)));
        all.one.outbox.endReply();
        all.both.deliver(numbered(4));
        const had1 = had.startsWith("a message") && !had.endsWith("without it") ? [1] : [];
        const sent = Array.from({ length: does === "sends much" ? 70 : 1 }, () => 2);
        assertEquals(numbers(all.one.got), [...had1, ...sent, 3, 4], `${had}; ${does}`);
      }
    }
  });

  test(`outbox: a getter may close the connection while ${what} is encoded, and the others get what is theirs`, () => {
    for (const [had, prepare] of Object.entries(before)) {
      const all = scene();
      prepare(all);
      send(all, getting(3, () => all.one.outbox.close()));
      all.one.outbox.endReply();
      all.both.deliver(numbered(4));
      const had2 = had.startsWith("a message for all") ? [1] : [];
      assertEquals(numbers(all.two.got), [...had2, ...what === "a message to all" ? [3] : [], 4], had);
      assertEquals(numbers(all.one.got), []);
    }
  });
}

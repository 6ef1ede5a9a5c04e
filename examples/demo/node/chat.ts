/**
 * The chat on a node.
 *
 * @module
 */

import { chatRoom, type Message } from "../contract.ts";
import type { DemoHub } from "./create_hub.ts";
import type { Recent } from "./recent.ts";

/** Serves the chat. A message reaches all members of the room, on any node. */
export const serveChat = (hub: DemoHub, recent: Recent, node: number): void =>
  hub.implement({
    member: {
      async join({ room }, { conn }) {
        await hub.room(chatRoom(room)).add(conn); // so the others see the new member
        return { recent: recent.of(room) };
      },
      leave: ({ room }, { conn }) => void hub.room(chatRoom(room)).remove(conn),
      say({ id, room, text }, { conn }) {
        const message: Message = { id, room, text, name: conn.user.id, at: recent.timeIn(room), node };
        if (!recent.add(message)) return recent.find(room, id) ?? message; // the page has sent it again, because the link broke
        hub.room(chatRoom(room)).broadcast("message", message);
        hub.emitServer("said", message);
        return message;
      },
      ticks: async ({ symbol }) =>
        (await hub.history(`ticker/${symbol}`)).records.map((tick) => tick.payload),
    },
  });

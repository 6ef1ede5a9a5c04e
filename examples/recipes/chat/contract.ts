// The contract of a chat with members and admins.
import { defineContract } from "@trunkline/hub/contract";
import { z } from "zod";

const Room = z.object({ room: z.string().regex(/^[\w-]{1,40}$/) });
const Person = Room.extend({ user: z.string() });
const Message = Room.extend({ id: z.string(), from: z.string(), text: z.string() });

export type Message = z.infer<typeof Message>;

export const chat = defineContract({
  shared: { // what members and admins have
    clientToServer: {
      join: { input: Room, output: z.void() },
      leave: { input: Room, output: z.void() },
      say: { input: Room.extend({ text: z.string().trim().min(1).max(500) }), output: z.void() },
    },
    serverToClient: {
      message: { payload: Message },
      removed: { payload: Room.extend({ by: z.string(), banned: z.boolean() }) }, // you are out of a room
    },
  },
  roles: {
    member: {},
    admin: {
      clientToServer: {
        kick: { input: Person, output: z.void() }, // may come back
        ban: { input: Person, output: z.void() }, // may not
        unban: { input: Person, output: z.void() },
      },
    },
  },
  rooms: { "room/:id": { history: { size: 200, ttlMs: 86_400_000 } } },
  presence: { "room/:id": { state: z.object({ typing: z.boolean() }), clientsSet: true } },
});

// The server of the chat: who may come in, what everybody may do, and what admins may do.
import { createHub, HubError } from "@trunkline/hub";
import type { Adapter } from "@trunkline/hub/adapters/adapter";
import type { Transport } from "@trunkline/hub/transports/transport";
import { chat } from "./contract.ts";

// These stand for tables of your database, which all nodes read.
const users = new Map([
  ["token of ann", { id: "ann", admin: true }],
  ["token of bob", { id: "bob", admin: false }],
  ["token of eve", { id: "eve", admin: false }],
]);
const bans = new Set<string>();
const banOf = (room: string, user: string) => JSON.stringify([room, user]);

/** Creates the hub of one node. In your application: with an `adapter`, and without `transports`. */
export function createChat(options: { adapter?: Adapter; transports?: Transport[] }) {
  const hub = createHub(chat, {
    ...options,
    authenticate({ role, token }) {
      const user = users.get(token ?? "");
      if (!user) throw new HubError("UNAUTHENTICATED", "Cannot let you in: sign in first");
      if (role === "admin" && !user.admin) throw new HubError("FORBIDDEN", "Cannot let you in as an admin");
      return { role, user };
    },
    rejoin: ({ room, conn }) => !bans.has(banOf(room, conn.user.id)), // after a reconnect
    presence: { stateOf: { "room/:id": () => ({ typing: false }) }, leaveAfterMs: 5_000 },
  });

  /** Takes all connections of a user out of a room, on all nodes. */
  async function remove(user: string, room: string, by: string, banned: boolean) {
    hub.user(user).emit("removed", { room, by, banned });
    await hub.cluster.leave({ user }, `room/${room}`);
  }

  hub.implement({
    shared: {
      async join({ room }, { conn }) {
        const name = `room/${room}` as const;
        const ban = banOf(name, conn.user.id);
        const refusal = new HubError("FORBIDDEN", `Cannot let you into ${room}: you are banned`);
        if (bans.has(ban)) throw refusal;
        await hub.room(name).add(conn, { rewind: { last: 50 } }); // and sends the newest messages
        if (!bans.has(ban)) return;
        hub.room(name).remove(conn); // banned meanwhile
        throw refusal;
      },
      leave: ({ room }, { conn }) => hub.room(`room/${room}`).remove(conn),
      async say({ room, text }, { conn }) {
        const name = `room/${room}` as const;
        if (!conn.rooms.has(name)) throw new HubError("FORBIDDEN", `Cannot speak in ${room}: join it first`);
        await hub.room(name).broadcast("message", {
          room,
          id: crypto.randomUUID(),
          from: conn.user.id,
          text,
        });
      },
    },
    admin: {
      kick: ({ room, user }, { conn }) => remove(user, room, conn.user.id, false),
      async ban({ room, user }, { conn }) {
        bans.add(banOf(`room/${room}`, user)); // first: from now on nobody lets the user in
        await remove(user, room, conn.user.id, true);
      },
      unban: ({ room, user }) => void bans.delete(banOf(`room/${room}`, user)),
    },
  });
  return hub;
}

/**
 * What the compiler must refuse, and what it must infer, of the presence that a client sees. Checked by `deno check`; never
 * run.
 */

import { z } from "zod";
import { createClient } from "../../client/mod.ts";
import {
  presence,
  type PresenceChange,
  type PresenceMember,
  type PresencePage,
  type PresenceView,
} from "../../client/presence/mod.ts";
import { defineContract } from "../../contract/mod.ts";

/** Compiles only when both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_: Same<A, B>): void {}

const chat = defineContract({
  shared: { topics: { "ticker/:symbol": { payload: z.number() } } },
  roles: { member: {}, admin: {} },
  presence: {
    "room/:id": {
      state: z.object({ since: z.string().transform((text) => new Date(text)) }),
      clientsSet: true,
    },
    "quiet/:id": z.object({ name: z.string() }),
    "held/:id": { state: z.object({ name: z.string() }), clientsSet: false },
    "ticker/:symbol": z.string(),
  },
});
const client = createClient(chat, { url: "ws://localhost:8000/realtime", role: "member" });

// Rooms and topics by the names of the contract's presence; states as the schema takes and yields them.
const room = presence(client, "room/1", { by: "connection", signal: new AbortController().signal });
same<typeof room, PresenceView<{ since: Date }, { since: string }>>(true);
same<ReturnType<typeof room.list>, readonly PresenceMember<{ since: Date }>[]>(true);
same<ReturnType<typeof room.page>, Promise<PresencePage<{ since: Date }>>>(true);
const ticker = presence(client, { topic: "ticker/ACME" });
same<typeof ticker, PresenceView<string, never>>(true);
declare const id: string;
const some = presence(client, `quiet/${id}`);
same<typeof some, PresenceView<{ name: string }, never>>(true);
// @ts-expect-error no presence is kept there
presence(client, "nothing/1");
// @ts-expect-error a name of two segments
presence(client, "room");
// @ts-expect-error no presence is kept of this topic
presence(client, { topic: "stats" });
// @ts-expect-error not an option
presence(client, "room/1", { buy: "user" });
// @ts-expect-error neither of the two
presence(client, "room/1", { by: "role" });
// @ts-expect-error a client first
presence(chat, "room/1");

// Names that are known as one of several; the errors show them all.
declare const either: "room/1" | "quiet/1";
presence(client, either).list();
presence(client, { topic: either }).list();

// A contract without presence has no names.
const plain = createClient(defineContract({ roles: { member: {} } }), {
  url: "ws://localhost:8000",
  role: "member",
});
// @ts-expect-error the contract keeps no presence
presence(plain, "room/1");

// Own states: only where clients set them.
room.set({ since: "2026-01-01" });
// @ts-expect-error the state as the schema yields it
room.set({ since: new Date() });
// @ts-expect-error a state that does not fit
room.set({ since: 7 });
// @ts-expect-error clients do not set it: the contract does not say so
some.set({ name: "ann" });
// @ts-expect-error clients do not set it: the contract says so
presence(client, "held/1").set({ name: "ann" });

// Events.
room.on("join", ({ id, user, node, state }) => {
  same<typeof id, string>(true);
  same<typeof user, string | undefined>(true);
  same<typeof node, string>(true);
  same<typeof state, { since: Date } | undefined>(true);
});
room.on("count", (count) => same<typeof count, number>(true));
room.on("sync", () => {});
// @ts-expect-error no such event
room.on("joined", () => {});
for await (const change of room) same<typeof change, PresenceChange<{ since: Date }>>(true);

// For both roles alike; a view is disposed of.
await using _view = presence(createClient(chat, { url: "ws://localhost:8000", role: "admin" }), "room/1");

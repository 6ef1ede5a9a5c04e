/**
 * What the compiler must refuse, and what it must infer, of a hub's presence. Checked by `deno check`; never run.
 */

import {
  createHub,
  defineContract,
  type HubPresence,
  type PresenceChange,
  type PresenceMember,
} from "@trunkline/hub";
import { type } from "arktype";
import * as v from "valibot";
import { z } from "zod";

/** Compiles only when both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_: Same<A, B>): void {}

const contract = defineContract({
  shared: { topics: { "doc/:id": { payload: z.number() } } },
  roles: { member: {}, admin: { topics: { audit: { payload: z.string() } } } },
  presence: {
    "room/:id": z.object({ since: z.coerce.date(), name: z.string().default("") }),
    "doc/:id": { state: v.object({ cursor: v.number() }), clientsSet: true },
    audit: type({ "+": "delete" }),
  },
});

const hub = createHub(contract, {
  authenticate: ({ role }) => ({ role, user: { id: "u", team: 1 } }),
  presence: {
    kind: "gossip",
    authorize: {
      "room/:id": ({ params, conn, name, signal }) => {
        same<typeof params, { readonly id: string }>(true);
        same<typeof name, string>(true);
        same<typeof signal, AbortSignal>(true);
        return conn.role === "admin" && conn.user?.team === 1 && params.id !== "";
      },
    },
    stateOf: {
      "room/:id": ({ params }) => ({ since: params.id }),
      "doc/:id": ({ conn }) => conn.role === "admin" ? { cursor: 0 } : undefined,
    },
  },
});

// Options.
const authenticate = ({ role }: { readonly role: "member" | "admin" }) => ({ role });
createHub(contract, { authenticate, presence: "gossip" });
// @ts-expect-error no such kind
createHub(contract, { authenticate, presence: "rumour" });
// @ts-expect-error no such pattern
createHub(contract, { authenticate, presence: { authorize: { "rooms/:id": () => true } } });
// @ts-expect-error not an answer
createHub(contract, { authenticate, presence: { authorize: { "room/:id": () => "yes" } } });
// @ts-expect-error not a state
createHub(contract, { authenticate, presence: { stateOf: { "doc/:id": () => ({ cursor: "0" }) } } });
createHub(contract, {
  authenticate,
  // @ts-expect-error a promise is no state
  presence: { stateOf: { "doc/:id": () => Promise.resolve({ cursor: 0 }) } },
});

// Places.
type RoomState = { since: Date; name: string };
const room = hub.presence("room/1");
same<Awaited<ReturnType<typeof room.list>>, readonly PresenceMember<RoomState>[]>(true);
room.on("update", ({ state }) => same<typeof state, RoomState | undefined>(true), { by: "connection" });
for await (const change of room) same<typeof change, PresenceChange<RoomState>>(true);
const doc = hub.presence({ topic: "doc/1" });
same<typeof doc, HubPresence<{ cursor: number }, { cursor: number }>>(true);
hub.presence({ topic: "audit", role: "admin" });
// @ts-expect-error no such place
hub.presence("rooms/1");
// @ts-expect-error a parameter is missing
hub.presence("room");
// @ts-expect-error no such role
hub.presence({ topic: "audit", role: "root" });

// States: they are given as the schema takes them.
declare const conn: { readonly id: string };
room.set(conn, { since: "2026-01-01" });
// @ts-expect-error not a state
room.set(conn, { since: "2026-01-01", name: 1 });
// @ts-expect-error not a state
doc.set(conn, {});
// @ts-expect-error no such event
room.on("sync", () => {});

// A contract without presence has no places.
const bare = createHub(defineContract({ roles: { member: {} } }), { authenticate: ({ role }) => ({ role }) });
// @ts-expect-error nothing is declared
bare.presence("room/1");

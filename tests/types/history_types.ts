/**
 * What the compiler must refuse, and what it must infer, of histories of topics and rooms. Checked by `deno check`; never run.
 */

import {
  createClient,
  createHub,
  defineContract,
  type HistoryPage,
  type Published,
  type RoomHistoryPage,
} from "@trunkline/hub";
import { z } from "zod";

/** Compiles only when both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_: Same<A, B>): void {}

const history = { size: 8 };
const Line = z.object({ n: z.coerce.number() });
const contract = defineContract({
  shared: {
    serverToClient: { line: { payload: Line } },
    topics: {
      stats: { payload: z.number() },
      "log/:name": { payload: Line, history: { size: 8, ttlMs: 60_000 } },
    },
  },
  roles: {
    member: {},
    admin: { topics: { audit: { payload: z.string() }, "trail/:id": { payload: Line, history } } },
  },
  rooms: { "chat/:id": { history } },
});
const since: Published = { epoch: "e", offset: 1 };

// A client begins in topics with history, and reads them.
const client = createClient(contract, { url: "ws://localhost/", role: "member" });
const admin = createClient(contract, { url: "ws://localhost/", role: "admin" });
const kept = client.subscribe("log/x", () => {}, { rewind: { last: 5 } });
client.subscribe("log/x", () => {}, { rewind: { sinceMs: 5 }, onRecovery: () => {} });
client.subscribe("log/x", () => {}, { since });
kept.history({ since, limit: 5, reverse: true }).then(({ records, more }) => {
  same<typeof records[number], { readonly offset: number; readonly payload: { n: number } }>(true);
  same<typeof more, boolean>(true);
});
admin.subscribe("trail/x", () => {}, { rewind: { last: 5 } }).history();
// @ts-expect-error one of both
client.subscribe("log/x", () => {}, { rewind: { last: 5, sinceMs: 5 } });
// @ts-expect-error neither
client.subscribe("log/x", () => {}, { rewind: {} });
// @ts-expect-error no such way to begin
client.subscribe("log/x", () => {}, { rewind: { first: 5 } });
// @ts-expect-error a number of messages, or of milliseconds
client.subscribe("log/x", () => {}, { rewind: 5 });
// @ts-expect-error a position has an epoch
client.subscribe("log/x", () => {}, { since: { offset: 5 } });
// @ts-expect-error one of both
client.subscribe("log/x", () => {}, { since, rewind: { last: 5 } });
// @ts-expect-error a page is not asked for by `last`
kept.history({ last: 5 });
// @ts-expect-error a position, not an offset
kept.history({ since: 5 });

// Topics without history have nothing to begin in, and nothing to read.
const plain = client.subscribe("stats", () => {}, { signal: new AbortController().signal });
// @ts-expect-error no history
client.subscribe("stats", () => {}, { rewind: { last: 5 } });
// @ts-expect-error no history
client.subscribe("stats", () => {}, { since });
// @ts-expect-error no history
plain.history();
// @ts-expect-error no history
admin.subscribe("audit", () => {}, { rewind: { last: 5 } });
// @ts-expect-error no history
admin.subscribe("audit", () => {}).history();
// @ts-expect-error another role's topic
client.subscribe("trail/x", () => {}, { rewind: { last: 5 } });

// A hub reads the shared topics with history, and those of a role.
const hub = createHub(contract, { authenticate: ({ role }) => ({ role }) });
same<ReturnType<typeof readLog>, Promise<HistoryPage<{ n: number }>>>(true);
const readLog = () => hub.history("log/x", { since, limit: 5, reverse: true });
const logAt = hub.position("log/x");
same<typeof logAt, Promise<Published>>(true);
const trail = hub.forRole("admin").history("trail/x", { limit: 5 });
same<typeof trail, Promise<HistoryPage<{ n: number }>>>(true);
const trailAt = hub.forRole("admin").position("trail/x");
same<typeof trailAt, Promise<Published>>(true);
// @ts-expect-error no history
hub.history("stats");
// @ts-expect-error no history
hub.position("stats");
// @ts-expect-error a role's own: hub.forRole("admin").history
hub.history("trail/x");
// @ts-expect-error a role's own: hub.forRole("admin").position
hub.position("trail/x");
// @ts-expect-error no history
hub.forRole("admin").history("audit");
// @ts-expect-error shared, not the role's own: hub.history
hub.forRole("admin").history("log/x");
// @ts-expect-error the other role's
hub.forRole("member").history("trail/x");
// @ts-expect-error a position, not an offset
hub.history("log/x", { since: 5 });
// @ts-expect-error a page is not asked for by `last`
hub.history("log/x", { last: 5 });
// @ts-expect-error a room's: hub.room("chat/x").history
hub.history("chat/x");

// Rooms: what is declared of them.
const roles = { member: {} };
// @ts-expect-error no history
defineContract({ roles, rooms: { "chat/:id": {} } });
// @ts-expect-error not how much
defineContract({ roles, rooms: { "chat/:id": { history: {} } } });
// @ts-expect-error not how much
defineContract({ roles, rooms: { "chat/:id": { history: true } } });
// @ts-expect-error not a number
defineContract({ roles, rooms: { "chat/:id": { history: { size: "8" } } } });
// @ts-expect-error not a number
defineContract({ roles, rooms: { "chat/:id": { history: { size: 8, ttlMs: "60s" } } } });
// @ts-expect-error a list of names says not how much
defineContract({ roles, rooms: ["chat/:id"] });

// Rooms: those that keep history, and the others.
const room = hub.room("chat/x");
room.add({ id: "c" }, { rewind: { last: 5 } });
const page = room.history({ limit: 5 });
same<typeof page extends Promise<RoomHistoryPage<infer R>> ? R : never, {
  readonly offset: number;
  readonly event: "line";
  readonly payload: { n: number };
}>(true);
const roomAt = room.position();
same<typeof roomAt, Promise<Published>>(true);
// @ts-expect-error one of both
room.add({ id: "c" }, { rewind: { last: 5, sinceMs: 5 } });
// @ts-expect-error a number of messages, or of milliseconds
room.add({ id: "c" }, { rewind: 5 });
// @ts-expect-error a client that reconnects continues by itself
room.add({ id: "c" }, { since });
// @ts-expect-error a page is not asked for by `last`
room.history({ last: 5 });
const lobby = hub.room("lobby");
// @ts-expect-error no history
lobby.add({ id: "c" }, { rewind: { last: 5 } });
// @ts-expect-error no history
lobby.history();
// @ts-expect-error no history
lobby.position();
// @ts-expect-error no history, and no id in it
lobby.broadcast("line", { n: 1 }, { id: "x" });
const either = hub.room("chat/x" as string);
// @ts-expect-error it may keep none
either.history();
// @ts-expect-error it may keep none
either.add({ id: "c" }, { rewind: { last: 5 } });
// @ts-expect-error each by itself
hub.rooms(["lobby"]).history();

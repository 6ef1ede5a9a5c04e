/**
 * What the compiler must refuse, and what it must infer, of a hub. Checked by `deno check`; never run.
 */

import {
  type AnyConnection,
  type BusContext,
  createHub,
  defineContract,
  type Gathered,
  type HubConnection,
  type HubError,
  type HubUser,
  type MissingNode,
  type Published,
} from "@trunkline/hub";
import { type } from "arktype";
import * as v from "valibot";
import { z } from "zod";

/** Compiles only when both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_: Same<A, B>): void {}

const Tick = z.object({ price: z.coerce.number(), at: z.string().transform((s) => new Date(s)) });

const chat = defineContract({
  shared: {
    clientToServer: { ping: { input: z.object({}), output: z.string() } },
    serverToClient: { dm: { payload: z.object({ text: z.string() }) } },
    topics: {
      "stats": { payload: z.object({ n: z.number() }) },
      "ticker/:symbol": { payload: Tick, history: { size: 8 } },
    },
  },
  roles: {
    member: {
      clientToServer: {
        say: {
          input: z.object({ text: z.string().transform((s) => s.length) }),
          output: z.object({ at: z.coerce.date() }),
        },
        typing: { payload: z.object({ at: z.coerce.date() }) },
      },
      serverToClient: {
        message: { payload: z.object({ text: z.string(), seq: z.number().default(0) }) },
        confirm: { input: z.object({ question: z.string() }), output: z.boolean() },
      },
    },
    admin: {
      serverToClient: { alarm: { payload: z.object({ level: z.number() }) } },
      topics: {
        "audit": { payload: z.object({ entry: z.string() }) },
        "trail/:user/:day": { payload: z.object({ entry: z.string() }), history: { size: 8 } },
      },
    },
    guest: {},
  },
  serverToServer: {
    invalidate: { payload: z.object({ key: z.string() }) },
    load: { input: z.object({ since: z.coerce.date() }), output: z.object({ conns: z.coerce.number() }) },
  },
});
type D = (typeof chat)["definition"];
interface User extends HubUser {
  readonly name: string;
}

const hub = createHub(chat, {
  authenticate: ({ role, token }) => {
    same<typeof role, "member" | "admin" | "guest">(true);
    same<typeof token, string | undefined>(true);
    return { role, user: { id: "u", name: "U" } as User, ctx: { since: 1 } };
  },
  authorize: {
    "ticker/:symbol": ({ params, conn, topic }) => {
      same<typeof params, { readonly symbol: string }>(true);
      same<typeof topic, string>(true);
      same<typeof conn.user, User>(true);
      return conn.role === "admin" || conn.user.name === params.symbol;
    },
    "trail/:user/:day": ({ params }) => {
      // @ts-expect-error the pattern has no such parameter
      params.symbol;
      return Promise.resolve(params.user === params.day);
    },
  },
  onConnection: (conn) => {
    if (conn.role === "member") conn.emit("message", { text: "hi" });
    // @ts-expect-error an event that not every role has
    else conn.emit("message", { text: "hi" });
    conn.emit("dm", { text: conn.user.name + String(conn.ctx.since) });
  },
  onDisconnect: (conn, { code, reason }) => void [conn.id, code.toFixed(), reason.trim()],
});

// Options.
// @ts-expect-error authenticate is required
createHub(chat, {});
// @ts-expect-error no such role
createHub(chat, { authenticate: () => ({ role: "root" }) });
// @ts-expect-error a role is required
createHub(chat, { authenticate: () => ({ user: { id: "u" } }) });
createHub(chat, {
  authenticate: ({ role }) => ({ role }),
  // @ts-expect-error no such topic
  authorize: { nothing: () => true },
});
createHub(chat, {
  authenticate: ({ role }) => ({ role }),
  // @ts-expect-error not an answer
  authorize: { stats: () => "yes" },
});
createHub(chat, {
  authenticate: ({ role }) => ({ role }),
  // @ts-expect-error no such policy
  slowConsumer: "wait",
});
// @ts-expect-error a user has an id
createHub(chat, { authenticate: ({ role }) => ({ role, user: { name: "U" } }) });

// Handlers: they get what the schema yields, and give what it takes.
hub.implement({
  shared: {
    ping: (input, { conn }) => {
      same<typeof input, Record<string, never>>(true);
      same<typeof conn, AnyConnection<D, User, { since: number }>>(true);
      return "pong";
    },
  },
  member: {
    say: async ({ text }, { conn, signal }) => {
      same<typeof text, number>(true);
      same<typeof conn, HubConnection<D, "member", User, { since: number }>>(true);
      same<typeof signal, AbortSignal>(true);
      same<typeof conn.rooms, ReadonlySet<string>>(true);
      const answer = await conn.request("confirm", { question: "?" }, { timeoutMs: 5 });
      same<typeof answer, boolean>(true);
      // @ts-expect-error the other role's
      conn.emit("alarm", { level: 1 });
      return { at: 5 };
    },
    typing: ({ at }) => same<typeof at, Date>(true),
  },
});
const ping = () => "";
const say = () => ({ at: 0 });
const typing = () => {};
// A signal has no answer: its handler may return what it likes, such as the promise of a broadcast.
hub.implement({
  member: { typing: ({ at }) => hub.publish("ticker/x", { price: at.getTime(), at: "" }) },
}, { part: true });
// @ts-expect-error a handler is missing
hub.implement({ shared: { ping }, member: { say } });
// In parts: some of them, typed as all are.
hub.implement({
  member: {
    say: ({ text }, { conn }) => {
      same<typeof text, number>(true);
      same<typeof conn, HubConnection<D, "member", User, { since: number }>>(true);
      return { at: text };
    },
  },
}, { part: true });
hub.implement({}, { part: true });
hub.implement({ shared: { ping } }, { part: true });
// @ts-expect-error a handler is missing: it is no part
hub.implement({ shared: { ping }, member: { say } }, { part: false });
// @ts-expect-error no such request
hub.implement({ member: { shout: () => {} } }, { part: true });
// @ts-expect-error the wrong answer
hub.implement({ shared: { ping: () => 5 } }, { part: true });
// @ts-expect-error no such role
hub.implement({ root: {} }, { part: true });
// @ts-expect-error the shared handlers are missing
hub.implement({ member: { say, typing } });
// @ts-expect-error not in the contract
hub.implement({ shared: { ping }, member: { say, typing, shout: () => {} } });
// @ts-expect-error no such role
hub.implement({ shared: { ping }, member: { say, typing }, root: {} });
// @ts-expect-error wrong output
hub.implement({ shared: { ping: () => 5 }, member: { say, typing } });
// @ts-expect-error the input is parsed: text is a number
hub.implement({ shared: { ping }, member: { say: ({ text }: { text: string }) => ({ at: text }), typing } });

// Rooms.
hub.room("r").broadcast("message", { text: "seq has a default" });
hub.rooms(["r", "s"]).broadcast("dm", { text: "" }, { except: { id: "c" } });
// @ts-expect-error no such event
hub.room("r").broadcast("mesage", { text: "" });
// @ts-expect-error wrong payload
hub.room("r").broadcast("message", { txt: "" });
// @ts-expect-error a request is not an event
hub.room("r").broadcast("confirm", { question: "?" });
// @ts-expect-error the payload is missing
hub.room("r").broadcast("message");
same<ReturnType<ReturnType<typeof hub.room>["add"]>, Promise<void>>(true);

// Rooms with history.
const keeper = defineContract({
  roles: { member: { serverToClient: { line: { payload: z.object({ n: z.coerce.number() }) } } } },
  rooms: { "chat/:id": { history: { size: 8 } } },
});
const keeping = createHub(keeper, { authenticate: () => ({ role: "member" }) });
const kept = keeping.room("chat/1");
const keptLine = kept.broadcast("line", { n: "1" }, { id: "x", except: { id: "c" } });
same<typeof keptLine, Promise<Published>>(true);
kept.add({ id: "c" }, { rewind: { last: 5 } });
kept.history().then(({ records: [record] }) => {
  if (record) {
    record satisfies { readonly offset: number; readonly event: "line"; readonly payload: { n: number } };
  }
});
const plainLine = keeping.room("lobby").broadcast("line", { n: 1 });
same<typeof plainLine, void>(true);
const deepLine = keeping.room("chat/1/2").broadcast("line", { n: 1 });
same<typeof deepLine, void>(true);
const anyLine = keeping.room("chat/1" as string).broadcast("line", { n: 1 });
same<typeof anyLine, Promise<Published> | void>(true);
// @ts-expect-error a room that keeps no history takes no id
keeping.room("lobby").broadcast("line", { n: 1 }, { id: "x" });
// @ts-expect-error a room that keeps no history has none to read
keeping.room("lobby").history();

// Topics: with history a promise, without nothing.
declare const symbol: string;
const published = hub.publish(`ticker/${symbol}`, { price: "5", at: "2026-01-01" });
same<typeof published, Promise<Published>>(true);
const sent = hub.publish("stats", { n: 1 });
same<typeof sent, void>(true);
// @ts-expect-error no such topic
hub.publish("tickers/A", { price: 1, at: "" });
// @ts-expect-error a parameter is missing
hub.publish("ticker", { price: 1, at: "" });
// @ts-expect-error wrong payload
hub.publish("stats", { n: "1" });
// @ts-expect-error the input's type, not the parsed one
hub.publish("ticker/A", { price: 1, at: new Date() });
// @ts-expect-error a role's own topic: hub.forRole("admin").publish
hub.publish("audit", { entry: "" });
same<ReturnType<typeof logAudit>, void>(true);
const logAudit = () => hub.forRole("admin").publish("audit", { entry: "" });
const trailed = hub.forRole("admin").publish("trail/u/1", { entry: "" });
same<typeof trailed, Promise<Published>>(true);
// @ts-expect-error the other role's
hub.forRole("member").publish("audit", { entry: "" });
// @ts-expect-error shared, not the role's own: hub.publish
hub.forRole("admin").publish("stats", { n: 1 });
// @ts-expect-error no such role
hub.forRole("root");
const page = await hub.history("ticker/A", { limit: 5, since: await published });
same<(typeof page.records)[number]["payload"], { price: number; at: Date }>(true);
// @ts-expect-error a role's own
hub.history("audit");

// Roles, users and connections.
hub.forRole("admin").emit("alarm", { level: 1 });
hub.forRole("admin").emit("dm", { text: "" });
// @ts-expect-error the other role's
hub.forRole("admin").emit("message", { text: "" });
// @ts-expect-error guests hear only what is shared
hub.forRole("guest").emit("alarm", { level: 1 });
hub.user("u").emit("dm", { text: "" });
// @ts-expect-error wrong payload
hub.user("u").emit("dm", { text: 5 });
const asked = hub.connection("c").request("confirm", { question: "?" }, { timeoutMs: 5 });
same<typeof asked, Promise<boolean>>(true);
// @ts-expect-error an event is not a request
hub.connection("c").request("message", { text: "" });
// @ts-expect-error wrong input
hub.connection("c").request("confirm", { q: "?" });

// The bus.
hub.emitServer("invalidate", { key: "k" });
// @ts-expect-error a request is not an event
hub.emitServer("load", { since: 0 });
// @ts-expect-error wrong payload
hub.emitServer("invalidate", { key: 1 });
hub.onServer("invalidate", ({ key }, context) => {
  same<typeof key, string>(true);
  same<typeof context, BusContext>(true);
});
const off: () => void = hub.onServer("load", ({ since }) => (same<typeof since, Date>(true), { conns: "5" }));
// @ts-expect-error wrong answer
hub.onServer("load", () => ({ connections: 5 }));
// @ts-expect-error no answer
hub.onServer("load", () => {});
// @ts-expect-error not in the contract
hub.onServer("nothing", () => {});
const gathered = hub.requestServers("load", { since: 0 }, { signal: new AbortController().signal });
same<typeof gathered, Promise<Gathered<{ conns: number }>>>(true);
// @ts-expect-error an event is not a request
hub.requestServers("invalidate", { key: "k" });

// The cluster.
const { connections, missing } = await hub.cluster.connections({ room: "r", user: "u" });
same<typeof missing, readonly MissingNode[]>(true);
same<(typeof connections)[number]["user"], string | undefined>(true);
// @ts-expect-error no such criterion
hub.cluster.count({ group: "r" });
// @ts-expect-error whom?
hub.cluster.disconnect();
// @ts-expect-error whom?
hub.cluster.disconnect({});
hub.cluster.disconnect({ all: true });
// @ts-expect-error ambiguous: all clients, or one user
hub.cluster.disconnect({ all: true, user: "u" });
hub.cluster.join({ user: "u", role: "member" }, "r");
const somebody: HubUser | undefined = Math.random() > 2 ? { id: "u" } : undefined;
// @ts-expect-error an anonymous connection has no user, and this would address all clients
hub.cluster.disconnect({ user: somebody?.id });
hub.cluster.count({ all: true });
off();
await using _scoped = hub;

// A contract of nothing but roles, and contracts of other libraries.
const bare = createHub(defineContract({ roles: { guest: {} } }), { authenticate: ({ role }) => ({ role }) });
// @ts-expect-error there is no topic
bare.publish("x", {});
// @ts-expect-error there is no event
bare.room("r").broadcast("x", {});
// @ts-expect-error there is no bus
bare.emitServer("x", {});

// A room is asked what its members may be asked.
hub.room("r").request("confirm", { question: "?" }, { timeoutMs: 5 }).then(({ answers, errors }) => {
  same<typeof answers, ReadonlyMap<string, boolean>>(true);
  same<typeof errors, ReadonlyMap<string, HubError>>(true);
});
// @ts-expect-error no such request
hub.room("r").request("confrm", { question: "?" });
// @ts-expect-error an event
hub.room("r").request("message", { text: "" });

// What runs around calls knows what is asked for, by kind, role and name.
hub.use(async (call, next) => {
  same<typeof call.role, "member" | "admin" | "guest">(true);
  same<typeof call.kind, "request" | "signal" | "subscription">(true);
  same<typeof call.signal, AbortSignal>(true);
  call.conn.emit("dm", { text: call.conn.user.name + String(call.conn.ctx.since) });
  if (call.kind === "request" && call.name === "say") {
    same<typeof call.input, { text: number }>(true);
    same<typeof call.role, "member">(true);
    same<typeof call.conn, HubConnection<D, "member", User, { since: number }>>(true);
  } else if (call.kind === "signal") {
    same<typeof call.name, "typing">(true);
    same<typeof call.input.at, Date>(true);
  } else if (call.kind === "subscription" && call.name === "ticker/:symbol") {
    same<typeof call.topic, `ticker/${string}`>(true);
    same<typeof call.params.symbol, string>(true);
  }
  // @ts-expect-error not of every kind
  call.input;
  same<typeof next, () => Promise<unknown>>(true);
  await next();
});
hub.use((_, next) => next());
// @ts-expect-error no function
hub.use({});
// @ts-expect-error no such request
hub.use((call, next) => call.kind === "request" && call.name === "sya" ? undefined : next());

const mixed = createHub(
  defineContract({
    shared: {
      serverToClient: { ark: { payload: type({ "n": "number", "tag?": "string" }) } },
      topics: {
        "vali/:id": {
          payload: v.object({ n: v.pipe(v.string(), v.transform(Number)) }),
          history: { size: 1 },
        },
      },
    },
    roles: {
      member: {
        clientToServer: {
          ark: { input: type({ when: "string.date.parse" }), output: type("string[]") },
          vali: { input: v.object({ n: v.optional(v.number(), 5) }), output: v.literal("ok") },
        },
      },
    },
  }),
  { authenticate: ({ role }) => ({ role }) },
);
mixed.implement({
  member: {
    ark: ({ when }) => (same<typeof when, Date>(true), [when.toISOString()]),
    vali: ({ n }) => (same<typeof n, number>(true), "ok"),
  },
});
mixed.room("r").broadcast("ark", { n: 1 });
// @ts-expect-error wrong payload
mixed.room("r").broadcast("ark", { n: 1, tag: 5 });
const stored = mixed.publish("vali/1", { n: "5" });
same<typeof stored, Promise<Published>>(true);
// @ts-expect-error the input's type, not the parsed one
mixed.publish("vali/1", { n: 5 });
const { records } = await mixed.history("vali/1");
same<(typeof records)[number]["payload"], { n: number }>(true);

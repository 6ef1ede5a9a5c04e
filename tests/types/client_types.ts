/**
 * What the compiler must refuse, and what it must infer, of a client. Checked by `deno check`; never run.
 */

import { z } from "zod";
import { createClient, type HistorySubscription, type TopicMeta } from "../../client/mod.ts";
import { defineContract } from "../../contract/mod.ts";

/** Compiles only when both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_: Same<A, B>): void {}

const Dm = z.object({ from: z.string(), text: z.string() });
const Stats = z.object({ online: z.number() });
const Tick = z.object({
  symbol: z.string(),
  price: z.coerce.number(),
  at: z.string().transform((s) => new Date(s)),
});
const Message = z.object({ room: z.string(), text: z.string() });
const Say = z.object({ room: z.string(), text: z.string().transform((s) => s.length) });
const Question = z.object({ text: z.string(), urgent: z.boolean().default(false) });
const Audit = z.object({ action: z.string() });

const chat = defineContract({
  shared: {
    serverToClient: { dm: { payload: Dm } },
    topics: {
      "stats": { payload: Stats },
      "ticker/:symbol": { payload: Tick, history: { size: 256, ttlMs: 60_000 } },
    },
  },
  roles: {
    member: {
      clientToServer: {
        say: { input: Say, output: z.object({ id: z.string(), at: z.coerce.date() }) },
        typing: { payload: z.object({ room: z.string() }) },
      },
      serverToClient: {
        message: { payload: Message },
        confirm: { input: Question, output: z.boolean() },
        locate: { input: z.object({}), output: z.string().transform((s) => s.split(",")) },
      },
    },
    admin: {
      clientToServer: { ban: { input: z.object({ user: z.string() }), output: z.boolean() } },
      topics: { "audit": { payload: Audit } },
    },
  },
  presence: { "room/:id": z.object({ name: z.string() }) },
  serverToServer: { cacheInvalidate: { payload: z.object({ key: z.string() }) } },
});

const url = "ws://localhost:8000/realtime";
const client = createClient(chat, { url, role: "member", token: () => "t" });
const admin = createClient(chat, { url: [url, new URL(url)], role: "admin" });

// Roles.
// @ts-expect-error no such role
createClient(chat, { url, role: "guest" });
// @ts-expect-error a role is required
createClient(chat, { url });
// @ts-expect-error "shared" is not a role
createClient(chat, { url, role: "shared" });
createClient(chat, { url: () => Promise.resolve(url), role: "admin", reconnect: false, offline: "fail" });
// @ts-expect-error not an option
createClient(chat, { url, role: "admin", offline: { limit: 3 } });
createClient(chat, {
  url,
  role: "admin",
  token: async ({ signal }) => (signal.throwIfAborted(), await Promise.resolve("t")),
});

// Requests: the input as the schema takes it, the output as it yields it.
const answer = client.request("say", { room: "room/1", text: "hi" }, {
  timeoutMs: 5,
  signal: new AbortController().signal,
});
same<typeof answer, Promise<{ id: string; at: Date }>>(true);
// @ts-expect-error no such request
client.request("shout", { room: "room/1", text: "hi" });
// @ts-expect-error the other role's
client.request("ban", { user: "u1" });
// @ts-expect-error a signal is not a request
client.request("typing", { room: "room/1" });
// @ts-expect-error the input's type, not the parsed one
client.request("say", { room: "room/1", text: 2 });
// @ts-expect-error a property is missing
client.request("say", { room: "room/1" });
// @ts-expect-error the input is missing
client.request("say");
same<Awaited<ReturnType<typeof admin.request<"ban">>>, boolean>(true);
// @ts-expect-error the other role's
admin.request("say", { room: "room/1", text: "hi" });

// Signals.
client.signal("typing", { room: "room/1" });
// @ts-expect-error a request is not a signal
client.signal("say", { room: "room/1", text: "hi" });
// @ts-expect-error wrong payload
client.signal("typing", { chamber: "room/1" });
// @ts-expect-error admins have no signal
admin.signal("typing", { room: "room/1" });

// Events.
const off: () => void = client.on("message", (m) => same<typeof m, { room: string; text: string }>(true));
client.on("dm", (dm) => same<typeof dm, { from: string; text: string }>(true));
admin.on("dm", async ({ text }) => void await Promise.resolve(text));
// @ts-expect-error a request of the server is not an event
client.on("confirm", () => {});
// @ts-expect-error the other role's
admin.on("message", () => {});
// @ts-expect-error no such event
client.on("mesage", () => {});

// Topics: listeners get what the schema yields.
const sub = client.subscribe("ticker/ACME", (tick, meta) => {
  same<typeof tick, { symbol: string; price: number; at: Date }>(true);
  same<typeof meta, TopicMeta<true>>(true);
  same<typeof meta.offset, number>(true);
  same<typeof meta.epoch, string>(true);
});
same<typeof sub, HistorySubscription<"ticker/ACME", { symbol: string; price: number; at: Date }>>(true);
same<typeof sub.topic, "ticker/ACME">(true);
declare const symbol: string;
const templated = client.subscribe(`ticker/${symbol}`, (tick) => same<typeof tick.price, number>(true));
same<typeof templated.topic, `ticker/${string}`>(true);
client.subscribe("stats", (_stats, meta) => {
  same<typeof meta, TopicMeta<false>>(true);
  same<typeof meta.offset, undefined>(true);
});
client.subscribe("stats", (stats) => same<typeof stats, { online: number }>(true), {
  signal: new AbortController().signal,
  onRecovery: (
    { recovered, topic },
  ) => (same<typeof recovered, boolean>(true), same<typeof topic, string>(true)),
});
admin.subscribe("audit", (entry) => same<typeof entry, { action: string }>(true));
admin.subscribe("ticker/ACME", (tick) => same<typeof tick.at, Date>(true));
// @ts-expect-error the other role's topic
client.subscribe("audit", () => {});
// @ts-expect-error no such topic
client.subscribe("tickers/ACME", () => {});
// @ts-expect-error a parameter is missing
client.subscribe("ticker", () => {});
// @ts-expect-error any text is not a topic
client.subscribe(symbol, () => {});
// @ts-expect-error the listener takes something else
client.subscribe("stats", (stats: { offline: number }) => stats);

// Topics by pattern.
const acme = client.topic("ticker/:symbol", { symbol: "ACME" });
same<typeof acme.name, `ticker/${string}`>(true);
acme.subscribe((tick, { offset }) => (same<typeof tick.at, Date>(true), same<typeof offset, number>(true)));
client.topic("stats").subscribe((_, { offset }) => same<typeof offset, undefined>(true));
// @ts-expect-error no such pattern
client.topic("tickers/:symbol", { symbol: "ACME" });
// @ts-expect-error the parameters are missing
client.topic("ticker/:symbol");
// @ts-expect-error no such parameter
client.topic("ticker/:symbol", { symbl: "ACME" });
// @ts-expect-error the topic keeps no history
client.topic("stats").subscribe(() => {}, { rewind: { last: 1 } });

// Requests of the server.
client.implement({
  confirm: (question, { signal }) => {
    same<typeof question, { text: string; urgent: boolean }>(true);
    same<typeof signal, AbortSignal>(true);
    return Promise.resolve(true);
  },
  locate: () => "1,2",
});
// @ts-expect-error a handler is missing
client.implement({ confirm: () => true });
// @ts-expect-error the answer's input type, not the parsed one
client.implement({ confirm: () => true, locate: () => ["1", "2"] });
// @ts-expect-error wrong answer
client.implement({ confirm: () => "yes", locate: () => "1,2" });
// @ts-expect-error an event is not a request
client.implement({ confirm: () => true, locate: () => "1,2", message: () => {} });
admin.implement({});
// @ts-expect-error the other role's
admin.implement({ confirm: () => true });

// The client itself.
same<typeof client.status, "connecting" | "open" | "reconnecting" | "closed">(true);
// @ts-expect-error read only
client.status = "open";
off();
await using _scoped = admin;

// A contract of nothing but roles.
const bare = createClient(defineContract({ roles: { guest: {} } }), { url, role: "guest" });
// @ts-expect-error there is no event
bare.on("x", () => {});
// @ts-expect-error there is no topic
bare.subscribe("x", () => {});
// @ts-expect-error there is no request
bare.request("x", {});

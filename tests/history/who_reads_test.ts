/** The rights to read a history: of a hub, and of clients by role and by rule. */
import { assert, assertEquals } from "@std/assert";
import {
  createClient,
  createHub,
  createMemoryHistory,
  defineContract,
  type HubError,
  type HubOptions,
} from "@trunkline/hub";
import { createLoopbackTransport } from "@trunkline/hub/transports/loopback";
import { z } from "zod";
import { microtaskClock } from "../fake_clock.ts";
import { test, waitFor } from "../harness.ts";
import { codeOf, type RawClient, rawClient, rejection, turn } from "../hub/wires.ts";
import { type LaterStore, laterStore } from "./later_store.ts";

const kept = { payload: z.string(), history: { size: 8 } };
const contract = defineContract({
  shared: { topics: { "log/:id": kept } },
  roles: {
    member: { topics: { "own/:id": kept, plain: { payload: z.string() } } },
    admin: { topics: { "own/:id": kept, "trail/:id": kept } },
  },
});
type Definition = (typeof contract)["definition"];

async function node(options: Partial<HubOptions<Definition, { id: string } | undefined, undefined>> = {}) {
  const loopback = createLoopbackTransport();
  const hub = createHub(contract, {
    authenticate: ({ role, token }) => ({ role, user: token ? { id: token } : undefined }),
    transports: [loopback],
    clock: microtaskClock,
    ...options,
  });
  await hub.ready;
  return { hub, loopback, [Symbol.asyncDispose]: () => hub.close() };
}

/** The answer to a client: the code of an error, the payloads of a page, or "subscribed". */
async function answer(raw: RawClient, id: number): Promise<unknown> {
  const mine = () => raw.heard.find(([kind, to]) => (kind === "res" || kind === "err") && to === id);
  await waitFor(mine, { what: `the answer to ${id}` });
  const [kind, , value] = mine()!;
  if (kind === "err") return (value as HubError).code;
  const { records } = (value ?? {}) as { records?: unknown[][] };
  return records?.map(([, payload]) => payload) ?? "subscribed";
}

const STORES: Readonly<Record<string, () => LaterStore | undefined>> = {
  "by the node alone": () => undefined,
  "in a store": () => laterStore(createMemoryHistory()),
};

for (const [where, createHistory] of Object.entries(STORES)) {
  test(`history: a hub reads shared topics, and a role's own by its scope; of one name each has its own (${where})`, async () => {
    await using a = await node({ history: createHistory() });
    const { hub } = a;
    const [member, admin] = [hub.forRole("member"), hub.forRole("admin")];
    await hub.publish("log/x", "shared");
    await member.publish("own/x", "of members");
    for (const text of ["of admins", "too"]) await admin.publish("own/x", text);
    const payloads = async (of: Promise<{ records: readonly { payload: string }[] }>) =>
      (await of).records.map(({ payload }) => payload);
    assertEquals(await payloads(hub.history("log/x")), ["shared"]);
    assertEquals(await payloads(member.history("own/x")), ["of members"]);
    assertEquals(await payloads(admin.history("own/x", { reverse: true, limit: 1 })), ["too"]);
    const [ours, theirs] = [await member.position("own/x"), await admin.position("own/x")];
    assertEquals([ours.offset, theirs.offset, await hub.position("log/x").then((p) => p.offset)], [1, 2, 1]);
    assertEquals(await payloads(admin.history("own/x", { since: { ...theirs, offset: 1 } })), ["too"]);
    const scopes = [[hub, ["log/x"]], [member, ["log/x", "own/x"]], [admin, ["log/x", "own/x", "trail/x"]]];
    for (const [scope, there] of scopes as unknown as [typeof hub, string[]][]) {
      for (const topic of ["nothing", "plain", "log/x", "own/x", "trail/x"] as string[]) {
        const code = there.includes(topic) ? "no error" : "NOT_FOUND";
        assertEquals(await codeOf(() => scope.history(topic as "log/x")), code, topic);
        assertEquals(await codeOf(() => scope.position(topic as "log/x")), code, topic);
      }
    }
    const { message } = await rejection(hub.history("trail/x" as "log/x"));
    assert(message.includes('hub.forRole("admin")'), message);
    assert((await rejection(admin.history("own/x", { limit: -1 }))) as unknown instanceof RangeError);
  });

  test(`history: a client reads the topics of its role; if two roles have a topic with the same name, that of its own role (${where})`, async () => {
    await using a = await node({ history: createHistory() });
    const { hub } = a;
    await hub.publish("log/x", "shared");
    await hub.forRole("member").publish("own/x", "of members");
    await hub.forRole("admin").publish("own/x", "of admins");
    await hub.forRole("admin").publish("trail/x", "secret");
    const topics = ["log/x", "own/x", "trail/x", "plain"];
    const read = async (role: string) => {
      const raw = await rawClient(a.loopback.client(), { role });
      raw.say(...topics.map((topic, i) => ["sub", i + 1, topic]));
      raw.say(...topics.map((topic, i) => ["hist", i + 11, topic])); // together with it
      return await Promise.all([1, 2, 3, 4, 11, 12, 13, 14].map((id) => answer(raw, id)));
    };
    const in_ = "subscribed";
    const none = ["NOT_FOUND", "FORBIDDEN"];
    assertEquals(await read("member"), [
      ...[in_, in_, none[0], in_],
      ...[["shared"], ["of members"], none[1], none[0]],
    ]);
    assertEquals(await read("admin"), [
      ...[in_, in_, in_, none[0]],
      ...[["shared"], ["of admins"], ["secret"], none[1]],
    ]);
  });
}

test("history: a page that is asked for with the subscribe waits for its decision, and is read only when that is yes", async () => {
  const history = laterStore(createMemoryHistory());
  const decisions = new Map<string, (allowed: boolean) => void>();
  await using a = await node({
    history,
    authorize: { "log/:id": ({ params: { id } }) => new Promise((decide) => decisions.set(id, decide)) },
  });
  for (const id of ["yes", "no", "left"]) await a.hub.publish(`log/${id}`, id);
  const raw = await rawClient(a.loopback.client());
  const { reads } = history;
  for (const [i, id] of ["yes", "no", "left"].entries()) {
    raw.say(["sub", 10 * i + 1, `log/${id}`, { last: 8 }], ["hist", 10 * i + 2, `log/${id}`]);
  }
  await waitFor(() => decisions.size === 3, { what: "the questions" });
  await turn();
  assertEquals([raw.heard.length, history.reads], [1, reads]);
  raw.say(["unsub", "log/left"]);
  for (const [id, decide] of decisions) decide(id !== "no");
  const answers = await Promise.all([1, 2, 11, 12, 21, 22].map((id) => answer(raw, id)));
  assertEquals(answers, ["subscribed", ["yes"], "FORBIDDEN", "FORBIDDEN", "DISCONNECTED", "FORBIDDEN"]);
  const sent = raw.heard.filter(([kind]) => kind === "rec").map(([, topic]) => topic);
  assertEquals(sent, ["log/yes"]);
});

test("history: rights that are taken away count from the next connection on: nothing old comes, and nothing can be read", async () => {
  const history = laterStore(createMemoryHistory());
  const allowed = new Set(["log/x", "log/y"]);
  await using a = await node({ history, authorize: { "log/:id": ({ topic }) => allowed.has(topic) } });
  const { hub } = a;
  const line = a.loopback.client();
  const client = createClient(contract, {
    url: "ws://loopback",
    transport: line,
    role: "member",
    token: "ann",
    reconnect: { baseMs: 1, maxMs: 5 },
    onError() {},
  });
  const heard: string[] = [];
  const follow = (topic: "log/x" | "log/y") => client.subscribe(topic, (text) => void heard.push(text));
  const [x, y] = [follow("log/x"), follow("log/y")];
  await Promise.all([x.ready, y.ready]);
  await hub.publish("log/x", "1");
  await waitFor(() => heard.length === 1, { what: "the first" });
  allowed.delete("log/x");
  assertEquals((await x.history()).records.length, 1); // it was asked once, when it subscribed
  history.state = "hangs";
  const pages = Array.from({ length: 8 }, () => codeOf(() => x.history({ reverse: true })));
  await waitFor(() => history.waiting > 0, { what: "a read" });
  line.refuse(true);
  line.sever();
  history.release();
  for (const topic of ["log/x", "log/y"] as const) await hub.publish(topic, `2 of ${topic}`);
  line.refuse(false);
  assertEquals((await x.closed)?.code, "FORBIDDEN");
  await waitFor(() => heard.length === 2, { what: "what it may hear" });
  assertEquals(heard, ["1", "2 of log/y"]);
  for (const code of await Promise.all(pages)) assert(code === "FORBIDDEN" || code === "DISCONNECTED", code);
  assert(["FORBIDDEN", "DISCONNECTED"].includes(await codeOf(() => x.history())));
  assertEquals((await y.history()).records.map(({ payload }) => payload), ["2 of log/y"]);
  assertEquals(hub.stats().historyReads, 0);
  await client.close();
});

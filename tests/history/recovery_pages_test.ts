import { assert, assertEquals } from "@std/assert";
import {
  createHub,
  createMemoryAdapter,
  createMemoryBus,
  createMemoryHistory,
  defineContract,
  type HubOptions,
} from "@trunkline/hub";
import type { HistoryStore } from "@trunkline/hub/adapters/history-store";
import { z } from "zod";
import { FakeClock } from "../fake_clock.ts";
import { test, waitFor } from "../harness.ts";
import { turn } from "../hub/wires.ts";
import { laterStore } from "./later_store.ts";
import { type SlowClient, slowLinks } from "./slow_links.ts";

const contract = defineContract({
  shared: {
    topics: {
      "log/:name": { payload: z.string(), history: { size: 3_000 } },
      plain: { payload: z.string() },
    },
  },
  roles: { member: {} },
});
type Definition = (typeof contract)["definition"];

async function node(options: Partial<HubOptions<Definition, { id: string } | undefined, undefined>> = {}) {
  const links = slowLinks();
  const errors: unknown[] = [];
  const hub = createHub(contract, {
    authenticate: ({ role }) => ({ role }),
    transports: [links],
    onError: (error) => errors.push(error),
    ...options,
  });
  await hub.ready;
  /** A client that is welcome. */
  const connect = async () => {
    const client = links.connect();
    await waitFor(() => client.heard.length > 0, { what: "the welcome" });
    return client;
  };
  return { hub, links, errors, connect, [Symbol.asyncDispose]: () => hub.close() };
}

/** The offsets that a client was sent of a topic, and the answers. */
const records = ({ heard }: SlowClient, topic: string) =>
  heard.filter(([kind, name]) => kind === "rec" && name === topic).map(([, , offset]) => offset as number);
const answers = ({ heard }: SlowClient) => heard.filter(([kind]) => kind === "res" || kind === "err");
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

/** Reads until a condition holds. */
async function readUntil(client: SlowClient, length: number, done: () => boolean): Promise<void> {
  while (!done()) {
    assertEquals(client.closed, undefined);
    client.read(length);
    await turn();
  }
}

const LINE = "x".repeat(1_000);
const HIGH_WATER = 256 * 1024;

/** Kept by the node alone, in a store that answers at once, in one that answers later. */
const HISTORIES: readonly [name: string, create: () => HistoryStore | undefined][] = [
  ["by the node alone", () => undefined],
  ["in a shared store", () => createMemoryHistory()],
  ["in a shared store that answers later", () => laterStore(createMemoryHistory())],
];

for (const [where, createHistory] of HISTORIES) {
  test(`recovery: a history larger than any limit comes page by page, then the live messages (${where})`, async () => {
    await using a = await node({ history: createHistory() });
    const { epoch } = await a.hub.publish("log/x", LINE);
    for (let i = 2; i <= 2_900; i++) await a.hub.publish("log/x", LINE);
    const client = await a.connect();
    client.say(["sub", 1, "log/x", { since: [epoch, 1] }], ["sub", 2, "plain"]);
    let published = 2_900;
    let rounds = 0;
    await readUntil(client, 50_000, () => {
      if (++rounds % 5 === 0 && published < 2_910) { // live ones meanwhile
        published++;
        void a.hub.publish("log/x", LINE);
        a.hub.publish("plain", "p");
      }
      return answers(client).length === 2 && published === 2_910 && records(client, "log/x").at(-1) === 2_910;
    });
    assertEquals(records(client, "log/x"), range(2, 2_910));
    const [, answer] = answers(client);
    assertEquals((answer![2] as { recovered: boolean }).recovered, true);
    assert(client.mostUnread < 2 * HIGH_WATER, `${client.mostUnread} bytes waited for the client`);
    assertEquals(a.hub.stats().held, 0);
    assertEquals([client.closed, a.errors], [undefined, []]);
  });

  test(`recovery: many topics at once share the link, and none is closed for it (${where})`, async () => {
    await using a = await node({ history: createHistory() });
    const names = range(1, 40).map((i) => `log/${i}` as const);
    const epochs = new Map<string, string>();
    for (const name of names) {
      for (let i = 0; i < 100; i++) epochs.set(name, (await a.hub.publish(name, LINE)).epoch);
    }
    const client = await a.connect();
    client.say(...names.map((name, i) => ["sub", i + 1, name, { since: [epochs.get(name), 0] }]));
    await readUntil(client, 100_000, () => answers(client).length === names.length);
    for (const name of names) assertEquals(records(client, name), range(1, 100));
    assert(client.mostUnread < 2 * HIGH_WATER, `${client.mostUnread} bytes waited for the client`);
    assertEquals(client.closed, undefined);
  });

  test(`recovery: a client that unsubscribes or leaves meanwhile ends it, and leaves nothing behind (${where})`, async () => {
    await using a = await node({ history: createHistory() });
    const { epoch } = await a.hub.publish("log/x", LINE);
    for (let i = 2; i <= 1_000; i++) await a.hub.publish("log/x", LINE);
    const [stays, leaves] = [await a.connect(), await a.connect()];
    for (const client of [stays, leaves]) client.say(["sub", 1, "log/x", { since: [epoch, 0] }]);
    await waitFor(() => stays.unread >= HIGH_WATER && leaves.unread >= HIGH_WATER, { what: "full links" });
    leaves.leave();
    stays.say(["unsub", "log/x"], ["sub", 2, "log/x", { since: [epoch, 500] }]);
    await readUntil(stays, 100_000, () => answers(stays).length === 2);
    const [gone, back] = answers(stays);
    assertEquals([gone!.slice(0, 2), (gone![2] as { code: string }).code], [["err", 1], "DISCONNECTED"]);
    assertEquals(back!.slice(1), [2, { position: [epoch, 1_000], recovered: true }]);
    const offsets = records(stays, "log/x");
    const first = offsets.indexOf(501, 500);
    assertEquals(offsets.slice(first === -1 ? offsets.indexOf(501) : first), range(501, 1_000));
    stays.leave();
    await waitFor(() => a.hub.stats().connections === 0, { what: "both to be gone" });
    const { subscriptions, groups, held } = a.hub.stats();
    assertEquals([subscriptions, groups, held, leaves.closed], [0, 0, 0, 1000]);
  });

  test(`recovery: a client that reads more slowly than messages are published falls out of the history, and is told (${where})`, async () => {
    await using a = await node({ history: createHistory() });
    const { epoch } = await a.hub.publish("log/x", LINE);
    for (let i = 2; i <= 3_000; i++) await a.hub.publish("log/x", LINE);
    const client = await a.connect();
    client.say(["sub", 1, "log/x", { since: [epoch, 0] }]);
    await waitFor(() => client.unread >= HIGH_WATER, { what: "a full link" });
    for (let i = 0; i < 3_000; i++) await a.hub.publish("log/x", LINE);
    await readUntil(client, 100_000, () => answers(client).length === 1);
    assertEquals(answers(client)[0]![2], { position: [epoch, 6_000], recovered: false });
    const sent = records(client, "log/x");
    assertEquals(sent, range(1, sent.length)); // what was sent was whole
    await a.hub.publish("log/x", LINE);
    await readUntil(client, 100_000, () => records(client, "log/x").at(-1) === 6_001);
  });
}

test("recovery: a store that fails in the middle is an error, and the client goes on from where it stands", async () => {
  const history = laterStore(createMemoryHistory());
  await using a = await node({ history });
  const { epoch } = await a.hub.publish("log/x", LINE);
  for (let i = 2; i <= 1_000; i++) await a.hub.publish("log/x", LINE);
  const client = await a.connect();
  client.say(["sub", 1, "log/x", { since: [epoch, 0] }]);
  await waitFor(() => client.unread >= HIGH_WATER, { what: "a full link" });
  history.state = "down";
  await readUntil(client, 100_000, () => answers(client).length === 1);
  assertEquals((answers(client)[0]![2] as { code: string }).code, "UNAVAILABLE");
  history.state = "up";
  const sent = records(client, "log/x");
  assertEquals(sent, range(1, sent.length));
  client.say(["sub", 2, "log/x", { since: [epoch, sent.length] }]);
  await readUntil(client, 100_000, () => answers(client).length === 2);
  assertEquals(records(client, "log/x"), range(1, 1_000));
});

test("recovery: a record that does not fit the contract is reported as missing, and does not stop the recovery", async () => {
  const history = createMemoryHistory();
  await using a = await node({ history });
  const { epoch } = await a.hub.publish("log/x", "one");
  for (const data of ["7", "{", ""]) history.append("topic:log/x", data, { size: 3_000, ttlMs: Infinity });
  const client = await a.connect();
  client.say(["sub", 1, "log/x", { since: [epoch, 0] }]);
  await waitFor(() => answers(client).length === 1, { what: "the answer" });
  assertEquals([records(client, "log/x"), answers(client)[0]![2]], [[1], {
    position: [epoch, 4],
    recovered: false,
  }]);
  assertEquals(a.errors.length, 1);
  await a.hub.publish("log/x", "two");
  await waitFor(() => records(client, "log/x").at(-1) === 5, { what: "the next" });
});

test("recovery: a store whose pages are not continuous is reported, and blocks nothing", async () => {
  const odd: Record<string, (offsets: readonly number[]) => readonly number[]> = {
    "the same page again and again": (offsets) => [1, 2].filter((offset) => offsets.length > 0 && offset > 0),
    "the newest first": (offsets) => offsets.toReversed(),
    "a hole": (offsets) => offsets.filter((offset) => offset !== 2),
  };
  for (const [what, change] of Object.entries(odd)) {
    const inner = createMemoryHistory();
    const history: HistoryStore = {
      name: "odd",
      publishes: false,
      append: (channel, data, options) => inner.append(channel, data, options),
      read(channel, options) {
        const page = inner.read(channel, options);
        const offsets = change(page.records.map(({ offset }) => offset));
        return { ...page, records: offsets.map((offset) => ({ offset, data: '"x"' })) };
      },
    };
    await using a = await node({ history });
    const { epoch } = await a.hub.publish("log/x", "one");
    for (let i = 0; i < 4; i++) await a.hub.publish("log/x", "more");
    const client = await a.connect();
    client.say(["sub", 1, "log/x", { since: [epoch, 0] }]);
    await waitFor(() => answers(client).length === 1, { what: `the answer: ${what}` });
    assertEquals((answers(client)[0]![2] as { recovered: boolean }).recovered, false, what);
    assertEquals(a.errors.length, 1, what);
  }
});

test("recovery: a client whose node lags behind the store still gets everything on it", async () => {
  const history = createMemoryHistory();
  await using a = await node({ history });
  const watcher = await a.connect();
  watcher.say(["sub", 1, "log/x"]);
  await waitFor(() => answers(watcher).length === 1, { what: "the watcher to be in" });
  const { epoch } = await a.hub.publish("log/x", "one");
  for (let i = 2; i <= 5; i++) history.append("topic:log/x", '"x"', { size: 3_000, ttlMs: Infinity }); // by other nodes
  const client = await a.connect();
  client.say(["sub", 1, "log/x", { since: [epoch, 4] }]);
  await waitFor(() => answers(client).length === 1, { what: "the answer" });
  assertEquals(answers(client)[0]![2], { position: [epoch, 5], recovered: true });
  await a.hub.publish("log/x", "six"); // shows to the node what it has missed
  await waitFor(() => records(client, "log/x").includes(6) && records(watcher, "log/x").includes(6), {
    what: "the next",
  });
  assertEquals(records(watcher, "log/x"), range(1, 6));
  const fresh = records(client, "log/x").filter((offset) => offset > 5); // a client skips what it has
  assertEquals(fresh, [6]);
});

test("histories: names that clients invent push nothing out, and leave nothing behind", async () => {
  for (const history of [undefined, createMemoryHistory({ maxChannels: 50 })]) {
    const limits = { maxHistories: 50, messagesPerSecond: 1e6, messageBurst: 1e6 };
    await using a = await node({ history, limits });
    for (let i = 0; i < 5; i++) await a.hub.publish("log/important", String(i));
    const client = await a.connect();
    for (let i = 0; i < 500; i++) {
      client.say(["sub", i + 1, `log/nobody-${i}`, { since: ["e", 1] }], ["unsub", `log/nobody-${i}`]);
    }
    const held = range(1, 300).map((i) => ["sub", 1_000 + i, `log/held-${i}`]);
    client.say(...held);
    await waitFor(() => answers(client).length >= 800, { what: "all answers" });
    assertEquals((await a.hub.history("log/important")).records.length, 5);
    assert(a.hub.stats().histories <= 300 + 50 + 1, `${a.hub.stats().histories} histories`);
    await a.hub.publish("log/held-7", "x");
    await waitFor(() => records(client, "log/held-7").length === 1, {
      what: "a message on one that is held",
    });
    assertEquals(client.heard.filter(([kind]) => kind === "gap"), []);
    client.leave();
    await waitFor(() => a.hub.stats().connections === 0, { what: "the client to be gone" });
    await a.hub.publish("log/another", "x");
    client.say();
    assert(a.hub.stats().histories <= 302);
  }
});

test("histories: a node that publishes seldom, without subscribers, is no gap elsewhere", async () => {
  const clock = new FakeClock();
  const bus = createMemoryBus();
  const options = () => ({
    clock,
    adapter: createMemoryAdapter({ bus }),
    history: "per-node" as const,
    heartbeatMs: 1e9,
    cluster: { joinTimeoutMs: 0 },
    limits: { maxHistories: 3, handshakeTimeoutMs: 1e9 },
  });
  await using a = await node(options());
  await using b = await node(options());
  const client = await b.connect();
  client.say(["sub", 1, "log/x"]);
  await waitFor(() => answers(client).length === 1, { what: "the answer" });
  for (let i = 1; i <= 5; i++) {
    await a.hub.publish("log/x", String(i));
    await waitFor(() => records(client, "log/x").length === i, { what: `message ${i}` });
    for (let j = 0; j < 10; j++) await a.hub.publish(`log/other-${i}-${j}`, "pushes it out");
    clock.advance(30_000);
    await turn();
  }
  assertEquals(client.heard.filter(([kind]) => kind === "gap"), []);
  assertEquals(records(client, "log/x"), range(1, 5));
  assertEquals([a.errors, b.errors], [[], []]);
});

test("recovery: a client that asks for it is told where its missed messages begin, before these and after old messages", async () => {
  for (const history of [undefined, createMemoryHistory(), laterStore(createMemoryHistory())]) {
    await using a = await node({ history });
    const { epoch } = await a.hub.publish("log/x", "1");
    const client = await a.connect();
    client.say(["sub", 1, "log/x"]);
    await waitFor(() => answers(client).length === 1, { what: "the first answer" });
    for (const n of [2, 3]) await a.hub.publish("log/x", `${n}`);
    client.say(["unsub", "log/x"], ["sub", 2, "log/x", { since: [epoch, 1], again: true }]);
    await waitFor(() => answers(client).length === 2, { what: "the second answer" });
    const heard = client.heard.map(([kind, name]) => kind === "from" ? `from ${name}` : kind);
    const from = heard.indexOf("from 2");
    assertEquals(heard.slice(from), ["from 2", "rec", "rec", "res"]);
    assertEquals(client.heard[from], ["from", 2, [epoch, 1]]);
    client.say(["unsub", "log/x"], ["sub", 3, "log/x", { since: [epoch, 3], again: true }]);
    await waitFor(() => answers(client).length === 3, { what: "the third answer" });
    assertEquals(client.heard.at(-1), ["res", 3, { position: [epoch, 3], recovered: true }]);
    assertEquals(a.errors, []);
  }
});

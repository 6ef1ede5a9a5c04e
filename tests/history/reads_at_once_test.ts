import { assert, assertEquals } from "@std/assert";
import { createHub, createMemoryHistory, defineContract } from "@trunkline/hub";
import { z } from "zod";
import { test, waitFor } from "../harness.ts";
import { type LaterStore, laterStore } from "./later_store.ts";
import { type SlowClient, slowLinks } from "./slow_links.ts";

const contract = defineContract({
  shared: { topics: { "log/:name": { payload: z.string(), history: { size: 3_000 } } } },
  roles: { member: {} },
});

const TOPICS = ["log/a", "log/b", "log/c"];

/** A node over a store whose answers the test decides about, with some records in each topic. */
async function node(maxHistoryReads: number, records: readonly string[]) {
  const inner = createMemoryHistory();
  const store: LaterStore = laterStore(inner);
  const links = slowLinks();
  const hub = createHub(contract, {
    authenticate: ({ role }) => ({ role }),
    transports: [links],
    history: store,
    limits: { maxHistoryReads },
  });
  await hub.ready;
  const epochs: Record<string, string> = {};
  for (const topic of TOPICS) {
    for (const record of records) epochs[topic] = (await hub.publish(topic as "log/:name", record)).epoch;
  }
  const comeBack = async () => {
    const client = links.connect();
    await waitFor(() => client.heard.length > 0, { what: "the welcome" });
    client.say(...TOPICS.map((topic, i) => ["sub", i + 1, topic, { since: [epochs[topic], 0] }]));
    return client;
  };
  return { hub, store, comeBack, [Symbol.asyncDispose]: () => hub.close() };
}

const live = ({ heard }: SlowClient) => heard.filter(([kind]) => kind === "res").length;

test("no more histories are read at the same time than may be, for all clients together", async () => {
  await using scene = await node(2, ["one", "two"]);
  const { hub, store } = scene;
  store.state = "hangs";
  const clients = await Promise.all(Array.from({ length: 20 }, scene.comeBack));
  await waitFor(() => hub.stats().historyReads === 20 * TOPICS.length, { what: "all to wait" });
  assertEquals(store.waiting, 2);
  let most = 0;
  const { read } = store;
  store.read = (channel, options) => {
    most = Math.max(most, store.waiting + 1);
    return read(channel, options);
  };
  store.release();
  await waitFor(() => clients.every((client) => live(client) === TOPICS.length), { what: "all to be live" });
  assert(most <= 2, `${most} at once`);
  for (const { heard } of clients) {
    assertEquals(heard.filter(([kind]) => kind === "rec").length, 2 * TOPICS.length);
  }
  assertEquals(hub.stats().historyReads, 0);
});

test("a client that does not read its missed messages does not keep other clients from reading", async () => {
  await using scene = await node(1, Array.from({ length: 600 }, () => "x".repeat(1_000)));
  const lazy = await scene.comeBack();
  await waitFor(() => lazy.unread > 256 * 1024, { what: "its link to be full" });
  const other = await scene.comeBack();
  const reading = setInterval(() => other.read(1024 * 1024));
  try {
    await waitFor(() => live(other) === TOPICS.length, { what: "the other to be live" });
  } finally {
    clearInterval(reading);
  }
  assert(live(lazy) < TOPICS.length);
});

test("a client that leaves while it waits gives its turn to the next", async () => {
  await using scene = await node(1, ["one"]);
  const { hub, store } = scene;
  store.state = "hangs";
  const [first, second] = [await scene.comeBack(), await scene.comeBack()];
  await waitFor(() => store.waiting === 1, { what: "a read" });
  first.leave();
  await waitFor(() => hub.stats().connections === 1, { what: "the first to be gone" });
  store.release();
  await waitFor(() => live(second) === TOPICS.length, { what: "the second to be live" });
  await waitFor(() => hub.stats().historyReads === 0, { what: "nothing to be read" });
});

test("reads that fail give their turn to the next", async () => {
  await using scene = await node(1, ["one"]);
  const { hub, store } = scene;
  store.state = "down";
  const client = await scene.comeBack();
  await waitFor(() => client.heard.filter(([kind]) => kind === "err").length === TOPICS.length, {
    what: "the errors",
  });
  store.state = "up";
  const other = await scene.comeBack();
  await waitFor(() => live(other) === TOPICS.length, { what: "the other to be live" });
  assertEquals(hub.stats().historyReads, 0);
});

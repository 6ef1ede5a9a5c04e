import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createNatsHistory } from "../../../adapters/nats/mod.ts";
import { HubError, type Position } from "../../../contract/mod.ts";
import { startNats, startNatsCluster } from "../../../tools/brokers/nats.ts";
import { startProxy } from "../../../tools/brokers/proxy.ts";
import { test, waitFor } from "../../harness.ts";
import {
  call,
  type HistoryNode,
  JETSTREAM,
  leaderOf,
  openHistory,
  PLENTY,
  startJetStream,
} from "./history_scene.ts";

const STREAM = "trunkline-history";
/** Probes that notice soon, with time for a machine that is busy. */
const SOON = { probeIntervalMs: 1_000, probeTimeoutMs: 2_000, connectTimeoutMs: 2_000 };

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => `${from + i}`);

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return await promise.then(() => "kept", (error) => error instanceof HubError ? error.code : String(error));
}

/** Appends until it is kept, once: an append whose answer does not come leaves open whether it was. */
async function appended(
  { store }: HistoryNode,
  channel: string,
  data: string,
  timeoutMs = 20_000,
): Promise<Position> {
  return await waitFor(async () => await store.append(channel, data, { ...PLENTY, idempotencyKey: data }), {
    what: `"${data}" to be kept`,
    timeoutMs,
  });
}

test("history in NATS JetStream: a server that is killed and started again has all, in the same epoch", async () => {
  await using server = await startJetStream();
  await using a = await openHistory({ servers: server.url, ...SOON });
  const [epoch, last] = await a.fill("news", 1, 20);
  await server.kill();
  await a.node.is("down");
  assertEquals(await codeOf(a.store.append("news", "away", PLENTY) as Promise<Position>), "UNAVAILABLE");
  await assertRejects(async () => await a.store.read("news"), HubError, "not connected");
  await server.start();
  await a.node.is("up");
  assertEquals(await appended(a, "news", "21"), [epoch, last + 1]);
  assertEquals(await a.all("news"), range(1, 21));
});

test(
  "history in NATS JetStream: messages that are confirmed while the server is killed again and again are stored once, and in order",
  async () => {
    await using server = await startJetStream();
    await using a = await openHistory({ servers: server.url, ...SOON }, "news");
    await using b = await openHistory({ servers: server.url, ...SOON }, "news");
    const codes = new Map<string, string>();
    let n = 0;
    const kept: [number, string][] = [];
    for (let round = 0; round < 4; round++) {
      const sending = [a, b].map(async (node, who) => {
        for (let i = 0; i < 200; i++) {
          const data = `${who}:${n++}`;
          const appending = Promise.resolve(node.store.append("news", data, PLENTY));
          const settled = appending.then(([, offset]) => void kept.push([offset, data]), () => {});
          codes.set(data, "");
          appending.then(() => codes.set(data, "kept"), (error) => codes.set(data, error.code));
          if (i % 10 === 9) await settled;
        }
      });
      await waitFor(() => kept.length > 20 * (round + 1), { what: "some to be kept" });
      await server.kill();
      await Promise.all(sending);
      await server.start();
      await Promise.all([a.node.is("up"), b.node.is("up")]);
    }
    const { records } = await a.store.read("news");
    const all = records.map(({ data }) => data);
    assertEquals(records.map(({ offset }) => offset), records.map((_, i) => i + 1));
    assertEquals(new Set(all).size, all.length);
    for (const [offset, data] of kept) assertEquals(all[offset - 1], data);
    for (const data of all) assertNotEquals(codes.get(data), "UNAVAILABLE");
    for (const who of [0, 1]) {
      const own = all.filter((data) => data.startsWith(`${who}:`)).map((data) => Number(data.slice(2)));
      assertEquals(own, own.toSorted((x, y) => x - y));
    }
  },
  { timeoutMs: 90_000 },
);

test("history in NATS JetStream: in memory a restart begins a new epoch", async () => {
  await using server = await startJetStream();
  const options = { servers: server.url, history: { storage: "memory" }, ...SOON } as const;
  await using a = await openHistory(options);
  const [epoch] = await a.fill("news", 1, 5);
  await server.kill();
  await server.start();
  await a.node.back();
  const { position, complete } = await a.store.read("news", { since: [epoch, 5] });
  assertEquals([position[1], complete], [0, false]);
  assertNotEquals(position[0], epoch);
  assertEquals(await appended(a, "news", "6"), [position[0], 1]);
});

test("history in NATS JetStream: a stream that is deleted in use is made again, and begins new epochs", async () => {
  await using server = await startJetStream();
  await using a = await openHistory({ servers: server.url }, "news");
  await using b = await openHistory({ servers: server.url }, "news");
  const [epoch] = await a.fill("news", 1, 5);
  assertEquals(await b.all("news"), range(1, 5));
  await call(server, `STREAM.DELETE.${STREAM}`);
  const [next, first] = await a.fill("news", 1, 5);
  assertNotEquals(next, epoch);
  assertEquals(first, 5);
  // Its index is of before, and so is the number that it knows.
  assertEquals(await b.store.append("news", "6", PLENTY), [next, 6]);
  const { complete, records } = await b.store.read("news", { since: [epoch, 5] });
  assertEquals([complete, records.map(({ data }) => data)], [false, range(1, 6)]);
  await call(server, `STREAM.DELETE.${STREAM}`);
  // Also for one that has never known what was there.
  await using c = await openHistory({ servers: server.url });
  for (const { store } of [c, b]) {
    const { position, complete } = await store.read("news", { since: [next, 6] });
    assertEquals([position[1], complete], [0, false]);
    assert(position[0] !== next && position[0] !== epoch, position[0]);
  }
});

test("history in NATS JetStream: an id is not taken for known when its message went with the stream", async () => {
  await using server = await startJetStream();
  await using a = await openHistory({ servers: server.url });
  const options = { ...PLENTY, idempotencyKey: "k" };
  const before = await a.store.append("news", "one", options);
  assertEquals(await a.store.append("news", "again", options), before);
  await call(server, `STREAM.DELETE.${STREAM}`);
  assertNotEquals(await a.store.append("news", "anew", options), before);
  assertEquals(await a.all("news"), ["anew"]);
});

test("history in NATS JetStream: a server that comes back without its confirmed messages begins new epochs", async () => {
  const folder = await mkdtemp(join(tmpdir(), "trunkline-jetstream-"));
  const [files, copy] = [join(folder, "files"), join(folder, "copy")];
  try {
    await using server = await startNats({ args: ["--jetstream", "--store_dir", files] });
    await using a = await openHistory({ servers: server.url, ...SOON });
    await using b = await openHistory({ servers: server.url, ...SOON });
    const [epoch] = await a.fill("news", 1, 3);
    await server.kill();
    await cp(files, copy, { recursive: true });
    await server.start();
    await a.node.back();
    await appended(a, "news", "4");
    assertEquals((await a.fill("news", 5, 6))[0], epoch);
    await server.kill();
    await rm(files, { recursive: true });
    await cp(copy, files, { recursive: true });
    const breaks = a.node.statuses.length;
    await server.start();
    await waitFor(() => a.node.statuses.length > breaks && a.node.statuses.at(-1) === "up");
    const { position, complete } = await a.store.read("news", { since: [epoch, 6] });
    assertEquals([position[1], complete], [0, false]);
    assertNotEquals(position[0], epoch);
    await b.node.is("up");
    assertEquals(await appended(b, "news", "new"), [position[0], 1]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test("history in NATS JetStream: with a frozen server, sent messages are uncertain, and unsent ones are not stored", async () => {
  await using server = await startJetStream();
  await using proxy = await startProxy(server.port);
  await using a = await openHistory({ servers: `nats://127.0.0.1:${proxy.port}`, ...SOON });
  const [epoch] = await a.fill("news", 1, 3);
  await a.fill("other", 1, 1);
  server.pause();
  const abort = new AbortController();
  const keyed = (key: string) => ({ ...PLENTY, idempotencyKey: key });
  const append = (data: string) =>
    codeOf(Promise.resolve(a.store.append("news", data, { ...keyed(data), signal: abort.signal })));
  const { received } = proxy;
  const text = "sent".padEnd(1_000);
  const sent = append(text);
  // More than a probe takes.
  await waitFor(() => proxy.received > received + 1_000, { what: "the message to leave" });
  const waiting = append("waits");
  abort.abort();
  assertEquals([await sent, await waiting], ["UNCERTAIN", "UNAVAILABLE"]);
  const until = codeOf(Promise.resolve(a.store.append("other", "2", PLENTY)));
  await a.node.is("down");
  assertEquals(await until, "UNCERTAIN"); // until the connection counts as dead
  server.resume();
  await using b = await openHistory({ servers: server.url, ...SOON });
  // Whether the first one arrives before this one, after it or never: it is kept once.
  const again = await waitFor(async () => await b.store.append("news", text, keyed(text)), {
    timeoutMs: 20_000,
  });
  assertEquals(again, [epoch, 4]);
  assertEquals(await appended(a, "news", "after"), [epoch, 5]);
  assertEquals(await a.all("news"), ["1", "2", "3", text, "after"]);
});

test("history in NATS JetStream: a message that the server refuses to store reaches no subscriber", async () => {
  await using server = await startJetStream();
  await using a = await openHistory({ servers: server.url }, "news");
  await using b = await openHistory({ servers: server.url }, "news");
  const nodes = [a, b];
  // Both always know the same newest message, and one of them is always refused.
  const appends = nodes.flatMap(({ store }, who) =>
    range(1, 100).map(async (i) =>
      [await store.append("news", `${who}:${i}`, PLENTY), `${who}:${i}`] as const
    )
  );
  const kept = await Promise.all(appends);
  for (const [who, { delivered, node }] of nodes.entries()) {
    const expected = kept.filter(([, data]) => !data.startsWith(`${who}:`));
    await waitFor(() => delivered.length >= expected.length, { what: "everything to be heard" });
    const sorted = (all: readonly (readonly [Position, string])[]) => all.map(String).toSorted();
    assertEquals(sorted(delivered.map(({ position, data }) => [position, data])), sorted(expected));
    assertEquals(node.words(), "");
  }
});

test("history in NATS JetStream: three nodes that append at once leave no hole, and each gets the others' messages in order", async () => {
  await using server = await startJetStream();
  await using a = await openHistory({ servers: server.url }, "news");
  await using b = await openHistory({ servers: server.url }, "news");
  await using c = await openHistory({ servers: server.url }, "news");
  const nodes = [a, b, c];
  await Promise.all(nodes.map(async ({ store }, who) => {
    for (let i = 0; i < 60; i++) {
      await Promise.all(range(1, i % 4 + 1).map((n) => store.append("news", `${who}:${i}.${n}`, PLENTY)));
    }
  }));
  const { position: [, last], records } = await c.store.read("news");
  assertEquals(last, 3 * 60 * 2.5);
  assertEquals(records.map(({ offset }) => offset), range(1, last).map(Number));
  for (const { delivered } of nodes) {
    await waitFor(() => delivered.length === last / 3 * 2, { what: "what the others have appended" });
    const offsets = delivered.map(({ position }) => position[1]);
    assertEquals(offsets, offsets.toSorted((x, y) => x - y));
    for (const { position: [, offset], data } of delivered) assertEquals(records[offset - 1]!.data, data);
  }
});

test(
  "history in NATS JetStream: with replicas the loss of the stream's leader loses no message, and stores none twice",
  async () => {
    await using cluster = await startNatsCluster(3, { args: JETSTREAM });
    const servers = cluster.servers.map(({ url }) => url);
    const options = { servers, history: { replicas: 3 }, ...SOON };
    await using a = await openHistory(options, "news");
    await using b = await openHistory(options, "news");
    const [epoch] = await a.fill("news", 1, 10);
    for (const data of ["11", "12"]) {
      const server = await leaderOf(cluster, STREAM);
      await server.kill();
      await a.all("news").catch(() => {}); // reads in the meantime change nothing
      // On a busy machine the servers that are left take long to choose a leader for their cluster.
      assertEquals(await appended(a, "news", data, 60_000), [epoch, Number(data)]);
      await server.start();
      await cluster.waitUntilStable();
    }
    // A leader that was just deposed may answer with an older position.
    const all = await waitFor(async () => {
      const all = await b.all("news");
      return all.length >= 12 && all;
    }, { what: "12 messages", timeoutMs: 20_000 });
    assertEquals(all, range(1, 12));
  },
  { timeoutMs: 200_000 },
);

test(
  "history in NATS JetStream: a message whose answer the leader could not give in time is stored once when it is tried again with its key",
  async () => {
    await using cluster = await startNatsCluster(3, { args: JETSTREAM });
    const servers = cluster.servers.map(({ url }) => url);
    const history = { replicas: 3 };
    await using maker = await openHistory({ servers, history, ...SOON });
    const [epoch] = await maker.fill("news", 1, 3);
    const leader = await leaderOf(cluster, STREAM);
    await using a = await openHistory({ servers: leader.url, history, ...SOON });
    await appended(a, "news", "4"); // from now on it knows all keys
    const others = cluster.servers.filter((server) => server !== leader);
    // Now the leader gets the message, and no replica confirms it.
    for (const server of others) server.pause();
    const keyed = { ...PLENTY, idempotencyKey: "5" };
    const append = () => codeOf(Promise.resolve(a.store.append("news", "5", keyed)));
    assertEquals(await append(), "UNCERTAIN");
    assertNotEquals(await append(), "kept"); // the leader may have two of them now
    for (const server of others) server.resume();
    assertEquals(await appended(a, "news", "5", 60_000), [epoch, 5]);
    assertEquals(await appended(a, "news", "6", 60_000), [epoch, 6]);
    assertEquals(await a.all("news"), range(1, 6));
  },
  { timeoutMs: 200_000 },
);

test("history in NATS JetStream, alone: it works beside any adapter, and says when its server is away", async () => {
  await using server = await startJetStream();
  const store = createNatsHistory({ servers: server.url, prefix: "alone", ...SOON });
  const errors: string[] = [];
  await store.open!({ nodeId: "a", deliver() {}, onError: ({ message }) => void errors.push(message) });
  try {
    const [epoch] = await store.append("news", "1", PLENTY);
    await server.kill();
    await waitFor(() => errors.length > 0, { what: "the report" });
    assert(errors[0]!.includes("NATS"), errors[0]);
    await server.start();
    const keyed = { ...PLENTY, idempotencyKey: "2" };
    const position = await waitFor(async () => await store.append("news", "2", keyed), {
      timeoutMs: 20_000,
    });
    assertEquals(position, [epoch, 2]);
  } finally {
    await store.close!("a");
  }
});

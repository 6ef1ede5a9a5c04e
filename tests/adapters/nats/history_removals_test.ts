/** What is removed from the stream, and what is read where something was removed or lost, never touches another topic. */
import { assertEquals, assertNotEquals } from "@std/assert";
import { encodeBatch } from "../../../adapters/nats/history/batch.ts";
import { numbersApart, widensPurges } from "../../../adapters/nats/history/server_version.ts";
import { startNatsCluster } from "../../../tools/brokers/nats.ts";
import { test, waitFor } from "../../harness.ts";
import { call, JETSTREAM, leaderOf, openHistory, PLENTY } from "./history_scene.ts";
import { MemoryStream } from "./memory_stream.ts";

const STREAM = "trunkline-history";
/** Few, so that publishers remove old messages. */
const SHORT = { size: 4, ttlMs: Infinity } as const;

test(
  "with replicas, a server that starts again after old messages of a topic were removed still has all other topics",
  async () => {
    await using cluster = await startNatsCluster(3, { args: JETSTREAM });
    const options = { servers: cluster.servers.map(({ url }) => url), history: { replicas: 3 } };
    await using a = await openHistory(options);
    const [epoch] = await a.fill("idle", 1, 3);
    const kept = async () => {
      const { state } = await call(cluster.servers[0]!, `STREAM.INFO.${STREAM}`) as {
        state: { messages: number };
      };
      return state.messages;
    };
    let written = 0;
    await waitFor(async () => {
      await a.store.append("busy", `${++written}`, SHORT);
      return await kept() < written; // some were removed
    }, { what: "old messages to be removed", timeoutMs: 30_000 });
    for (const server of cluster.servers) {
      await leaderOf(cluster, STREAM); // all have everything
      await server.kill();
      await server.start();
      await waitFor(async () => {
        if (await leaderOf(cluster, STREAM) === server) return true;
        await call(server, `STREAM.LEADER.STEPDOWN.${STREAM}`);
        return false;
      }, { what: "the server to lead the stream", timeoutMs: 60_000 });
      await using b = await openHistory(options);
      const { position, records } = await b.store.read("idle");
      assertEquals([position, records.map(({ data }) => data)], [[epoch, 3], ["1", "2", "3"]]);
    }
    await waitFor(async () => (await a.store.append("busy", "last", SHORT))[0] === epoch, {
      what: "a further message",
      timeoutMs: 30_000,
    });
  },
  { timeoutMs: 180_000 },
);

for (const listens of [true, false]) {
  const who = listens ? "a listening node" : "a deaf node";
  test(
    `with replicas, ${who} that does not know that the stream was deleted and made again writes to the new one`,
    async () => {
      await using cluster = await startNatsCluster(3, { args: JETSTREAM });
      const options = { servers: cluster.servers.map(({ url }) => url), history: { replicas: 3 } };
      await using a = await openHistory(options);
      await using b = await openHistory(options, ...listens ? ["news"] : []);
      const [epoch] = await b.fill("news", 1, 5);
      assertEquals(await a.all("news"), ["1", "2", "3", "4", "5"]);
      await call(cluster.servers[0]!, `STREAM.DELETE.${STREAM}`);
      const [next] = await waitFor(async () => await a.store.append("news", "new", PLENTY), {
        what: "a stream to be made",
        timeoutMs: 60_000,
      });
      assertNotEquals(next, epoch);
      assertEquals(await b.store.append("news", "6", PLENTY), [next, 2]);
      assertEquals(await b.store.append("other", "1", PLENTY), [next, 1]);
      for (const node of [a, b]) assertEquals(await node.all("news"), ["new", "6"]);
      const { state } = await call(cluster.servers[0]!, `STREAM.INFO.${STREAM}`, {
        subjects_filter: ">",
      }) as {
        state: { subjects: Record<string, number> };
      };
      const life = epoch.split(".")[0]!;
      assertEquals(Object.keys(state.subjects).filter((subject) => subject.includes(life)), []);
    },
    { timeoutMs: 120_000 },
  );
}

test("nats history: if the stream gave the number of a lost message to another topic, the message there is not read", async () => {
  const stream = new MemoryStream();
  const { appender, log } = stream.node();
  for (let n = 1; n <= 4; n++) await appender.append(`${n}`, PLENTY);
  const lost = stream.kept[1]!;
  const other = {
    epoch: "L.0",
    first: 2,
    node: "n",
    ...PLENTY,
    brief: false,
    floor: 1,
    earlier: [],
    keys: new Map(),
    records: ["secret"],
  };
  stream.kept[1] = { ...lost, subject: "another", data: encodeBatch(other) };
  assertEquals(
    (await log.range(stream.stream, "L.0", 1, 4)).map((placed) => placed?.batch.records),
    [["1"], undefined, ["3"], ["4"]],
  );
});

test("nats history: which versions of the server purge too much, or number messages in different ways", () => {
  const versions = [
    "1.99.99",
    "2.8.4",
    "2.9.17-beta.1",
    "2.9.17",
    "2.9.18",
    "v2.10.18",
    "2.10.19",
    "2.12.3",
    "3.0.0",
  ];
  assertEquals(versions.filter(widensPurges), versions.slice(0, 4));
  assertEquals(versions.filter(numbersApart), versions.slice(0, 6));
  for (const version of ["", "dev", undefined]) {
    assertEquals([widensPurges(version), numbersApart(version)], [false, false]);
  }
});

import { assert, assertEquals } from "@std/assert";
import { HubError } from "@trunkline/hub";
import { AnswerParts, MAX_ANSWER_LENGTH, partLength } from "../../hub/nodes/answer_parts.ts";
import { test } from "../harness.ts";
import { acquainted, type Cluster, empty, type TappedNode, testOnAdapters } from "../hub/cluster.ts";
import { codeOf } from "../hub/wires.ts";

const LIMIT = 4_000;

/** A node that can carry little at once, known to all. */
async function addNarrow(cluster: Cluster): Promise<TappedNode> {
  const node = await cluster.add({ maxMessageBytes: LIMIT });
  await acquainted(cluster.nodes.map(({ hub }) => hub));
  return node;
}

const sizes = ({ tap }: TappedNode) =>
  tap.published.map(({ data }) => new TextEncoder().encode(String(data)).length);
const partsOf = ({ tap }: TappedNode) => tap.published.filter(({ data }) => String(data).includes('"part"'));

testOnAdapters("cluster: an answer above the adapter's limit arrives in parts, whole", async (start) => {
  await using cluster = await start(1);
  const [a] = cluster.nodes;
  const b = await addNarrow(cluster);
  const ids: string[] = [];
  for (let n = 0; n < 60; n++) ids.push((await b.member(`"üser" \\ 😀 ${n}`)).connectionId!);
  const { connections, missing } = await a!.hub.cluster.connections();
  assertEquals([connections.map(({ id }) => id).sort(), missing], [ids.sort(), []]);
  assertEquals(connections.map(({ user }) => user).sort()[0], '"üser" \\ 😀 0');
  assert(partsOf(b).length > 4);
  assertEquals(sizes(b).filter((size) => size > LIMIT), []);
  await empty({ hub: { stats: () => ({ ...a!.hub.stats(), connections: 0 }) } as never });
  assertEquals([b.hub.stats().answering, a!.errors, b.errors], [0, [], []]);
});

testOnAdapters("cluster: an answer to a bus request may be above the limit", async (start) => {
  await using cluster = await start(1);
  const [a] = cluster.nodes;
  const b = await addNarrow(cluster);
  b.hub.onServer("load", () => ({ conns: 1, more: "x".repeat(LIMIT * 20) }) as never);
  // The schema takes nothing but `conns` over.
  assertEquals((await a!.hub.requestServers("load", {})).answers.get(b.hub.nodeId), { conns: 1 });
});

testOnAdapters(
  "cluster: if an answerer throws a HubError, its own node reports it, and the asking node gets the code",
  async (start) => {
    await using cluster = await start(2);
    const [a, b] = cluster.nodes;
    b!.hub.onServer("load", () => {
      throw new HubError("NO_DATABASE", "The database is away", { data: { host: "db" } });
    });
    const { answers, missing } = await a!.hub.requestServers("load", {});
    assertEquals([answers.size, missing], [0, [
      { node: b!.hub.nodeId, reason: "failed", code: "NO_DATABASE", message: "The database is away" },
    ]]);
    assertEquals(b!.errors.map(({ error, info }) => [(error as Error).message, info]), [
      ["The database is away", { stage: "handler", name: "load" }],
    ]);
  },
);

test("cluster: an answer in parts is taken in order, and only as much of it as was announced", () => {
  const parts = new AnswerParts(10);
  assertEquals([parts.add(0, 10, "abcd"), parts.complete, parts.taken], [true, false, 1]);
  assertEquals(parts.add(0, 10, "abcd"), false); // twice
  assertEquals(parts.add(2, 10, "efgh"), false); // one before it is lost
  assertEquals(parts.add(1, 11, "efgh"), false); // of another answer
  assertEquals(parts.add(1, 10, ""), false); // parts of nothing would never end
  assertEquals(parts.add(1, 10, "efghijk"), false); // more than there is
  assertEquals([parts.add(1, 10, "efghij"), parts.complete, parts.join()], [true, true, "abcdefghij"]);
});

test("cluster: an answer of absurd size is refused at its first part", async () => {
  assertEquals(await codeOf(() => new AnswerParts(MAX_ANSWER_LENGTH + 1)), "TOO_LARGE");
  assertEquals([partLength(1_048_576) > 300_000, partLength(100) < 1, partLength(Infinity)], [
    true,
    true,
    Infinity,
  ]);
});

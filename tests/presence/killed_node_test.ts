import { assertEquals } from "@std/assert";
import { systemClock } from "@trunkline/hub";
import { inProcess, inWorker } from "../cluster/doomed.ts";
import { test, waitFor } from "../harness.ts";
import { ADAPTERS, brokerOf } from "../hub/cluster.ts";
import { CLUSTER, type Word } from "./doomed_node.ts";
import { converged, hear, startNodes } from "./scene.ts";

type Kind = "gossip" | "central";

const PROGRAM = new URL("./doomed_process.ts", import.meta.url);
const WORKER = new URL("./doomed_worker.ts", import.meta.url);

const USERS = ["doomed 1", "doomed 2"];
/** A leave comes within the node timeout; the rest is for a machine that is busy. */
const LEAVE_MS = CLUSTER.nodeTimeoutMs + 5_000;
const TIME = { timeoutMs: 90_000 };

/** Two nodes here with a user each, and one somewhere else with two. */
async function scene(adapter: string, kind: Kind) {
  const { url, create } = brokerOf(adapter);
  const prefix = crypto.randomUUID();
  const options = { cluster: CLUSTER, clock: systemClock, presence: kind };
  const cluster = await startNodes(() => create(prefix), 2, options);
  const { nodes } = cluster;
  for (const [at, node] of nodes.entries()) await node.member(`user ${at}`, "room/1");
  const doomed = url
    ? inProcess<Word>(PROGRAM, { adapter, url, prefix, kind })
    : inWorker<Word>(WORKER, { prefix });
  await waitFor(() => doomed.words.some((word) => "nodeId" in word), { timeoutMs: 30_000, what: "the node" });
  await converged(nodes, "room/1", ["user 0", "user 1", ...USERS]);
  const hearings = await Promise.all(nodes.map(({ hub }) => hear(hub.presence("room/1"))));
  const heard = (what: string, count: number, timeoutMs = LEAVE_MS) =>
    waitFor(() => hearings.every(({ events }) => events.length === count), { what, timeoutMs });
  const events = () => hearings.map(({ events }) => events.toSorted());
  return { cluster, nodes, doomed, heard, events };
}

/** Those that can keep presence in a store have both kinds. */
const KINDS = Object.keys(ADAPTERS).flatMap((adapter) =>
  (adapter.startsWith("redis") ? ["gossip", "central"] as const : ["gossip"] as const)
    .map((kind) => [adapter, kind] as const)
);

for (const [adapter, kind] of KINDS) {
  const where = kind === "central" ? `central, ${adapter}` : adapter;
  if (adapter === "memory") continue; // its nodes live and die together
  if (adapter === "node-cluster") continue; // all know at once; see tests/adapters/node_cluster/workers_test.ts

  test(
    `presence: the users of a node that is killed leave, once, on every other node [${where}]`,
    async () => {
      const { cluster, nodes, doomed, heard, events } = await scene(adapter, kind);
      await using _ = cluster;
      const start = performance.now();
      await doomed.kill();
      await heard("both users to leave", 2);
      const tookMs = performance.now() - start;
      assertEquals(tookMs < LEAVE_MS, true);
      for (const each of events()) assertEquals(each, USERS.map((user) => `leave ${user}`));
      for (const { hub } of nodes) assertEquals(await hub.presence("room/1").count(), 2);
    },
    TIME,
  );

  if (brokerOf(adapter).url === "") continue; // a worker cannot be stopped

  test(
    `presence: the users of a node that stands still leave, and are back once when it goes on [${where}]`,
    async () => {
      const { cluster, nodes, doomed, heard, events } = await scene(adapter, kind);
      await using _ = cluster;
      try {
        doomed.signal("SIGSTOP");
        await heard("both users to leave", 2);
        doomed.signal("SIGCONT");
        await heard("both users to be back", 4, 20_000);
        const wanted = ["join", "leave"].flatMap((event) => USERS.map((user) => `${event} ${user}`));
        for (const each of events()) assertEquals(each, wanted);
        await nodes[0]!.member("late", "room/1");
        await waitFor(() => doomed.words.some((word) => "event" in word && word.event === "join late"), {
          what: "the node to learn of a new member",
          timeoutMs: 10_000,
        });
        for (const each of events()) assertEquals(each.filter((event) => !event.endsWith("late")), wanted);
        const known = new Set(["user 0", "user 1"]);
        for (const word of doomed.words) {
          const [type, id] = "event" in word ? word.event.split(/ (.*)/) : [];
          if (type === "join") known.add(id!);
          if (type === "leave") known.delete(id!);
        }
        assertEquals([...known].sort(), [...USERS, "late", "user 0", "user 1"]);
      } finally {
        await doomed.kill();
      }
    },
    TIME,
  );
}

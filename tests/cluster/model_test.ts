import { assertEquals } from "@std/assert";
import { createMemoryAdapter, createMemoryBus } from "@trunkline/hub";
import fc from "fast-check";
import { runs } from "../contract/runs.ts";
import { FakeClock } from "../fake_clock.ts";
import { test } from "../harness.ts";
import { type Cluster, reachable, startCluster, type TappedNode } from "../hub/cluster.ts";
import { turn } from "../hub/wires.ts";

/** The events of a cluster. */
const STEPS = ["add", "close", "crash", "cut", "lose", "heal", "pass", "pass long"] as const;
const step = fc.tuple(fc.constantFrom(...STEPS), fc.nat(4));

const MAX_NODES = 5;

/** A node of the model, and what its listeners were told of others. */
interface Subject {
  readonly node: TappedNode;
  readonly present: Set<string>;
  readonly wrong: string[];
  crashed: boolean;
}

/** Records the nodes by the events of listeners, and wrong events. */
function watched(node: TappedNode): Subject {
  const subject: Subject = { node, present: new Set(reachable(node.hub)), wrong: [], crashed: false };
  node.hub.cluster.on("join", ({ id }) => {
    if (subject.present.has(id)) subject.wrong.push(`${id} joined twice`);
    subject.present.add(id);
  });
  node.hub.cluster.on("leave", ({ id }) => {
    if (!subject.present.delete(id)) subject.wrong.push(`${id} left twice`);
  });
  return subject;
}

async function pass(clock: FakeClock, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 5_000) {
    clock.advance(5_000);
    for (let i = 0; i < 3; i++) await turn();
  }
}

async function play(cluster: Cluster, clock: FakeClock, steps: readonly (readonly [string, number])[]) {
  let live = cluster.nodes.map(watched);
  const all = [...live];
  for (const [kind, n] of steps) {
    const subject = live[n % live.length]!;
    const { tap } = subject.node;
    if (kind === "add" && live.length < MAX_NODES) {
      const added = watched(await cluster.add({ cluster: { joinTimeoutMs: 0 } }));
      live.push(added);
      all.push(added);
    } else if (kind === "close" && live.length > 1) {
      live = live.filter((other) => other !== subject);
      await subject.node.hub.close();
    } else if (kind === "crash" && live.length > 1) {
      live = live.filter((other) => other !== subject);
      subject.crashed = true;
      tap.cut();
    } else if (kind === "cut") tap.cut();
    else if (kind === "lose") tap.lose();
    else if (kind === "heal") tap.heal();
    else if (kind === "pass") await pass(clock, 5_000);
    else if (kind === "pass long") await pass(clock, 25_000);
  }
  for (const { node } of live) node.tap.heal();
  await pass(clock, 60_000);
  const truth = live.map(({ node }) => node.hub.nodeId).sort();
  for (const { node: { hub }, present } of live) {
    assertEquals(reachable(hub), truth);
    assertEquals([...present].sort(), truth);
  }
  assertEquals(new Set(live.map(({ node: { hub } }) => hub.cluster.leader().id)).size, 1);
  assertEquals(all.flatMap(({ wrong }) => wrong), []);
}

test("cluster: after any faults of nodes, the living ones agree on the truth", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const bus = createMemoryBus(), clock = new FakeClock();
      await using cluster = await startCluster(() => createMemoryAdapter({ bus }), 3, {
        clock,
        cluster: { joinTimeoutMs: 0 },
      });
      await play(cluster, clock, steps);
    }),
    runs(30),
  );
}, { timeoutMs: 120_000 });

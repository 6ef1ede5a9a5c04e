import { assert, assertEquals } from "@std/assert";
import { Redis } from "ioredis";
import { ClusterLink } from "../../../adapters/redis_cluster/link.ts";
import { ClusterMap, type Partition } from "../../../adapters/redis_cluster/map.ts";
import { readNodes } from "../../../adapters/redis_cluster/nodes.ts";
import { placePartitions, slotOf } from "../../../adapters/redis_cluster/partitions.ts";
import { FakeClock } from "../../fake_clock.ts";
import { test, waitFor } from "../../harness.ts";
import { type ScriptedNode, startScriptedNode } from "./scripted_node.ts";

/** One partition, and nodes that say where it is. */
class Scene implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly gaps: (readonly string[])[] = [];
  /** Statuses, errors and lost messages. */
  readonly told: string[] = [];
  readonly nodes: readonly ScriptedNode[];
  readonly map: ClusterMap;
  /** The addresses that the nodes have named. */
  readonly addresses = new Set<string>();
  /** The commands that the nodes have read, by their names. */
  readonly heard = new Map<string, number>();
  #settled = 0;

  private constructor(nodes: readonly ScriptedNode[]) {
    this.nodes = nodes;
    for (const node of nodes) {
      node.before = (command) => void this.heard.set(command, this.count(command) + 1);
    }
    this.map = new ClusterMap({
      nodes: readNodes({
        nodes: `127.0.0.1:${nodes[0]!.port}`,
        natMap: (address) => (this.addresses.add(address), undefined),
      }),
      mode: "sharded",
      places: placePartitions(1),
      probeOf: ({ tag }) => `{${tag}}probe`,
      clientName: "test",
      clock: this.clock,
      connectTimeoutMs: 60_000,
      probeIntervalMs: 60_000,
      probeTimeoutMs: 60_000,
      onMessage: () => {},
      onStatus: (status) => void this.told.push(status),
      onGap: (channels) => void this.gaps.push(channels),
      onFailure: () => "unreachable",
      onBroken: (_, cause) => void this.told.push(String(cause)),
      onSettled: () => void this.#settled++,
      onLost: (_, reason) => void this.told.push(`lost: ${reason}`),
      onRefused: (error) => void this.told.push(String(error)),
    });
    this.map.start();
  }

  /** Nodes of which the first serves everything, and a subscriber of the channel `a`. */
  static async start(count: number): Promise<Scene> {
    const scene = new Scene(
      await Promise.all(Array.from({ length: count }, () => startScriptedNode(slotOf))),
    );
    await scene.partition.interests.subscribe("a", scene.name);
    return scene;
  }

  get partition(): Partition {
    return this.map.partitions[0]!;
  }

  get slot(): number {
    return this.partition.place.slot;
  }

  get name(): string {
    return `{${this.partition.place.tag}}a`;
  }

  /** How many messages are settled. */
  get settled(): number {
    return this.#settled;
  }

  count(command: string): number {
    return this.heard.get(command) ?? 0;
  }

  publish(data: string): void {
    const { outbox } = this.partition;
    outbox.publish({ outbox, of: "a", name: this.name, data, since: this.clock.now() });
  }

  /** Makes this many round trips to a node that nobody knows. */
  async roundTrips(count: number): Promise<void> {
    await using other = await startScriptedNode(slotOf);
    const link = new ClusterLink({
      Redis,
      redis: { host: "127.0.0.1", port: other.port },
      mode: "sharded",
      name: "test",
    }, { onLost: () => {}, onEvicted: () => {}, onMessage: () => {} });
    await link.ready;
    for (let i = 0; i < count; i++) await link.ping();
    await link.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.map.close();
    for (const node of this.nodes) await node[Symbol.asyncDispose]();
  }
}

test("redis-cluster: after a node has said that a slot moved away, others that have not heard of it are not believed for a second", async () => {
  await using scene = await Scene.start(2);
  const { nodes, clock, gaps, slot } = scene;
  const [old, next] = nodes as [ScriptedNode, ScriptedNode];
  // All nodes still say that nothing has moved.
  next.owner = old.port;
  old.lose(slot, next.port);
  await waitFor(() => gaps.length === 1, { what: "the move" });
  const joins = () => old.commands.filter((command) => command.startsWith("+")).length;
  const asked = joins();
  const passed = clock.now();
  const lookAgain = async () => {
    const before = scene.count("cluster");
    await waitFor(() => {
      if (scene.count("cluster") === before && clock.now() < passed + 990) clock.advance(5);
      return scene.count("cluster") > before;
    }, { what: "another look" });
  };
  for (let i = 0; i < 4; i++) await lookAgain();
  assertEquals([joins(), gaps, scene.told], [asked, [["a"]], ["up"]]);
  // If they say so for longer, they may be right.
  old.regain(slot);
  await waitFor(() => (clock.advance(20), old.channels.size === 2), { what: "the way back" });
});

for (const count of [2, 3]) {
  test(`redis-cluster: a slot that each of ${count} masters takes for the next one's is asked for with pauses`, async () => {
    await using scene = await Scene.start(count);
    const { nodes, clock, slot, told } = scene;
    // Also in the looks at the cluster.
    nodes.forEach((node, i) => {
      const { port } = nodes[(i + 1) % count]!;
      node.owner = port;
      node.lose(slot, port);
    });
    scene.publish("1");
    await waitFor(() => scene.count("spublish") >= count, { what: "every master is asked" });
    scene.heard.clear();
    await scene.roundTrips(200);
    const asked = () => scene.count("spublish") + scene.count("ssubscribe");
    assert(asked() < 20, `asked ${asked()} times while no time passed`);
    for (let waited = 0; told.at(-1)?.startsWith("lost") !== true; waited += 5) {
      assert(waited < 5_000, String(told));
      clock.advance(5);
      await scene.roundTrips(1);
    }
    assertEquals([scene.settled, told.filter((text) => text.startsWith("lost")).length], [1, 1]);
    assert(asked() < 300, `asked ${asked()} times`);
    // One of them has it after all.
    nodes[1]!.regain(slot);
    for (const node of nodes) node.owner = nodes[1]!.port;
    await waitFor(() => (clock.advance(20), nodes[1]!.channels.size === 2), { what: "the subscriptions" });
    scene.publish("2");
    await waitFor(() => (clock.advance(20), scene.settled === 2), { what: "the next message" });
    assertEquals(told.filter((text) => text.startsWith("lost")).length, 1);
  });
}

test("redis-cluster: a redirect that comes after the partition has moved on is not followed", async () => {
  await using scene = await Scene.start(3);
  const { nodes, slot, partition } = scene;
  const [first, second, third] = nodes as [ScriptedNode, ScriptedNode, ScriptedNode];
  second.owner = third.owner = first.owner = second.port;
  first.lose(slot, second.port);
  await waitFor(() => second.channels.size === 2, { what: "the move" });
  // A script of a history was still on its way to the first node, which now names another.
  first.lose(slot, third.port);
  const late = scene.map.run({ ...partition, owner: `127.0.0.1:${first.port}` }, [[
    "SPUBLISH",
    scene.name,
    "x",
  ]]);
  assert(String((await late)[0]).includes(`MOVED ${slot} 127.0.0.1:${third.port}`));
  await scene.roundTrips(50);
  assertEquals([partition.owner, third.connections], [`127.0.0.1:${second.port}`, 0]);
});

test("redis-cluster: a redirect without a host is no address", async () => {
  await using scene = await Scene.start(2);
  const { nodes: [old, next], partition, clock, slot } = scene;
  old!.owner = next!.owner = next!.port;
  old!.lose(slot, next!.port, "?");
  await waitFor(() => (clock.advance(5), next!.channels.size === 2), { what: "the move" });
  assertEquals([partition.owner, scene.told], [`127.0.0.1:${next!.port}`, ["up"]]);
  assertEquals([...scene.addresses].filter((address) => !address.startsWith("127")), []);
});

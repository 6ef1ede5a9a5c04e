import { assert, assertEquals } from "@std/assert";
import "ioredis"; // loaded before the first run, so that all runs are alike
import { ClusterMap } from "../../../adapters/redis_cluster/map.ts";
import { Names, placePartitions, slotOf } from "../../../adapters/redis_cluster/partitions.ts";
import { FakeClock } from "../../fake_clock.ts";
import { test } from "../../harness.ts";
import { Random, seedMath } from "../../load/random.ts";
import { Journal } from "./journal.ts";
import { SlotWorld } from "./slot_world.ts";
import { Wires } from "./wires.ts";

/** The longest wait, by the clock of the adapter. */
const MAX_WAIT_MS = 60_000;
/** For how long nothing may happen after the status is up, by the clock of the adapter. */
const AFTER_MS = 5_000;
const shards = placePartitions(3);
const PLACES = { sharded: shards, classic: [{ tag: "classic", slot: slotOf("classic") }] };
const CHANNELS = ["a", "b", "c"];
const names = new Names("p");
/** The old node's and the next one's: it does not leave a node to which it is still connecting. */
const MAX_PUBLISHERS = { sharded: shards.length, classic: 2 };

/** A node at a world. */
async function scene(mode: "sharded" | "classic", seed: number) {
  const random = new Random(seed);
  const seeded = seedMath(random);
  const wires = new Wires(random);
  const world = new SlotWorld({
    ...{ random, wires, journal: new Journal() },
    ...{ count: 3, spread: true, slots: shards.map(({ slot }) => slot) },
    slotIn: (name) => slotOf(/\{(.*?)\}/.exec(name)![1]!),
    onTaken: () => {},
  });
  world.settle();
  const clock = new FakeClock();
  const problems: string[] = [];
  const told: string[] = [];
  let live = 0;
  const wanted = CHANNELS.map((channel, i) => {
    const part = i % PLACES[mode].length;
    return { channel, part, name: names.of(PLACES[mode][part]!.tag, channel) };
  });
  const map = new ClusterMap({
    nodes: {
      seeds: () => world.addresses,
      optionsFor: (address) => wires.optionsFor(Number(address.split(":")[1])),
      locate: (address) => address,
      secrets: [],
    },
    ...{ mode, places: PLACES[mode], clientName: "test", clock },
    ...{ connectTimeoutMs: 1_000, probeIntervalMs: 500, probeTimeoutMs: 1_000 },
    probeOf: ({ tag }) => names.ofProbe(tag, "me"),
    onMessage: () => {},
    onStatus(status) {
      told.push(status);
      if (status === "down" || live < wanted.length) return;
      for (const { name } of wanted) if (!world.hears(name)) problems.push(`up without ${name}`);
    },
    onGap: (channels) => void told.push(`gap on ${channels}`),
    onFailure: () => "unreachable",
    onBroken: () => {},
    onSettled: () => {},
    onLost: () => {},
    onRefused: (error) => void problems.push(String(error)),
  });
  /** Lets time pass, and things come, until something is so. */
  const pass = async (isOver: () => boolean, maxMs: number) => {
    for (const end = clock.now() + maxMs; !isOver() && clock.now() < end; clock.advance(random.below(30))) {
      for (let left = 1 + random.below(20); left > 0 && !isOver() && await wires.next(); left--);
    }
  };
  map.start();
  await pass(() => told.at(-1) === "up", MAX_WAIT_MS);
  for (const { channel, part, name } of wanted) {
    void map.partitions[part]!.interests.subscribe(channel, name).then(() => live++);
  }
  await pass(() => live === wanted.length, MAX_WAIT_MS);
  told.length = 0;
  const close = async () => {
    await map.close();
    seeded[Symbol.dispose]();
  };
  return { world, clock, problems, told, pass, [Symbol.asyncDispose]: close };
}

/** Ends all connections of a node to a healthy cluster, again and again, and looks at it each time it is up again. */
async function run(mode: "sharded" | "classic", seed: number): Promise<void> {
  await using all = await scene(mode, seed);
  const { world, problems, told, pass } = all;
  for (let times = 0; times < 5; times++) {
    told.length = world.names.length = 0;
    world.cut();
    await pass(() => told.at(-1) === "up", MAX_WAIT_MS);
    told.length = 0;
    await pass(() => false, AFTER_MS);
    problems.push(...told);
    const publishers = world.names.filter((name) => name.startsWith("trunkline-publish")).length;
    if (publishers > MAX_PUBLISHERS[mode]) problems.push(`${publishers} connections to publish`);
  }
  assertEquals(problems, []);
}

for (const mode of ["sharded", "classic"] as const) {
  for (let seed = 1; seed <= 12; seed++) {
    test(`redis-cluster, ${mode}: when the status is up again after an outage all channels are live, and none misses anything, seed ${seed}`, () =>
      run(mode, seed));
  }
}

test("redis-cluster, classic: while no node sees a working cluster, a node stays where it is", async () => {
  await using all = await scene("classic", 1);
  const { world, told, pass } = all;
  world.names.length = 0;
  for (const i of world.nodes.keys()) world.doubting.add(i);
  await pass(() => false, MAX_WAIT_MS);
  assertEquals([told, world.names.filter((name) => !name.startsWith("trunkline-look"))], [[], []]);
});

test("redis-cluster, classic: a node is up again only when its master has links to the others, or does not get any for long", async () => {
  for (const isSlow of [true, false]) {
    await using all = await scene("classic", 1);
    const { world, clock, told, pass } = all;
    for (const i of world.nodes.keys()) world.doubting.add(i);
    world.cut();
    const since = clock.now();
    await pass(() => false, 2_000);
    assertEquals(told, ["down"]);
    if (!isSlow) world.doubting.clear();
    await pass(() => told.length > 1, MAX_WAIT_MS);
    assertEquals(told, ["down", "up"]);
    const ms = clock.now() - since;
    assertEquals([ms > 5_000, ms < 10_000], [isSlow, true]);
  }
});

test("redis-cluster, classic: a node leaves a master that is cut off from the cluster, even if the others still name it", async () => {
  for (const seed of [1, 2, 3, 4]) {
    await using all = await scene("classic", seed);
    const { world, told, problems, pass } = all;
    const [home] = world.withConnections("trunkline-publish");
    world.doubting.add(home!);
    await pass(() => told.length > 0, MAX_WAIT_MS);
    await pass(() => false, AFTER_MS);
    assertEquals([told, problems, world.withConnections("trunkline-publish").includes(home!)], [
      [`gap on ${CHANNELS}`],
      [],
      false,
    ]);
  }
});

for (const mode of ["sharded", "classic"] as const) {
  test(`redis-cluster, ${mode}: a node that answers nothing delays those that do not need it only briefly`, async () => {
    for (const seed of [1, 2, 3, 4]) {
      await using all = await scene(mode, seed);
      const { world, clock, told, problems, pass } = all;
      world.frozen.add(seed % 3);
      world.cut();
      const since = clock.now();
      if (mode === "sharded") {
        await pass(() => false, AFTER_MS);
        world.frozen.clear();
      }
      await pass(() => told.at(-1) === "up", MAX_WAIT_MS);
      assertEquals([told, problems], [["down", "up"], []]);
      if (mode === "classic") assert(clock.now() - since < 10_000, `${clock.now() - since} ms`);
    }
  });
}

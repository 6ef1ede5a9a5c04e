import { assertEquals } from "@std/assert";
import "ioredis"; // loaded before the first run, so that all runs are alike
import { slotOf } from "../../../adapters/redis_cluster/partitions.ts";
import { test } from "../../harness.ts";
import { Random, seedMath } from "../../load/random.ts";
import { Journal } from "./journal.ts";
import { SlotWorld } from "./slot_world.ts";
import { CHANNELS, Reader, SLOTS } from "./told_losses_reader.ts";
import { Wires } from "./wires.ts";

/** How many things come during a step, at most: the network is sometimes slow. */
const PACES = [4, 20, 60];
/** The longest wait, by the clock of the adapter: that of the machine ends none. */
const MAX_WAIT_MS = 60_000;

/** Makes a run, in which the seed alone decides what happens. */
async function run(seed: number): Promise<Journal> {
  const random = new Random(seed);
  const journal = new Journal();
  await using stack = new AsyncDisposableStack();
  stack.use(seedMath(random));
  const wires = new Wires(random);
  const slotIn = (name: string) => slotOf(/\{(.*?)\}/.exec(name)![1]!);
  const onTaken = (data: string) => reader.taken(data);
  const world = new SlotWorld({ random, wires, journal, count: 3, slots: SLOTS, slotIn, onTaken });
  const reader: Reader = new Reader({
    seeds: () => world.addresses,
    optionsFor: (address) => wires.optionsFor(Number(address.split(":")[1])),
    locate: (address) => address,
    secrets: [],
  }, journal);
  stack.defer(() => reader.map.close());
  const { clock } = reader;
  const until = async (what: string, condition: () => boolean) => {
    for (const end = clock.now() + MAX_WAIT_MS; !condition(); clock.advance(5)) {
      if (clock.now() > end) throw new Error(`Waited ${MAX_WAIT_MS} ms for ${what}\n${reader.missing}`);
      while (await wires.next());
    }
  };
  for (const channel of CHANNELS) reader.subscribe(channel);
  await until("all channels", () => reader.live.size === CHANNELS.length);
  let pace = 1;
  for (let step = 0; step < 400; step++) {
    for (let i = 0; i < 3; i++) reader.publish(random.pick(CHANNELS));
    const channel = random.pick(CHANNELS);
    if (random.oneIn(5)) {
      if (reader.wanted.has(channel)) reader.unsubscribe(channel);
      else reader.subscribe(channel);
    }
    clock.advance(random.below(30));
    if (random.oneIn(10)) pace = random.pick(PACES);
    for (let left = random.below(pace); left > 0 && await wires.next(); left--);
  }
  world.settle();
  for (const channel of CHANNELS) if (!reader.wanted.has(channel)) reader.subscribe(channel);
  await until("all channels again", () => reader.live.size === CHANNELS.length && reader.leaving === 0);
  // Until one of them comes on each channel.
  const { count } = reader;
  await until("a message on each channel", () => {
    const late = CHANNELS.filter((channel) => (reader.latest.get(channel) ?? 0) <= count);
    for (const channel of late) reader.publish(channel);
    return late.length === 0;
  });
  await until("what is missing", () => reader.missing === "");
  assertEquals(reader.problems, []);
  return journal;
}

for (let seed = 1; seed <= 24; seed++) {
  test(`redis-cluster: while slots move and connections end, every message comes once and in order, or its loss is told, seed ${seed}`, async () => {
    await run(seed);
  });
}

test("redis-cluster: a seed repeats its run with all that happens in it", async () => {
  const [first, second] = [await run(1), await run(1)];
  assertEquals(first.text, second.text);
});

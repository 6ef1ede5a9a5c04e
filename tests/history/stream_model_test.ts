import { assert, assertEquals } from "@std/assert";
import type { HistoryStore, StoredPage } from "@trunkline/hub/adapters/history-store";
import { createMemoryHistory } from "@trunkline/hub/adapters/memory-history";
import type { Position } from "../../contract/mod.ts";
import { RecordMessage } from "../../hub/topics/record.ts";
import { TopicStream } from "../../hub/topics/stream/topic_stream.ts";
import { FakeClock } from "../fake_clock.ts";
import { test } from "../harness.ts";
import { runSeeds } from "./seeds.ts";
import { Random } from "../load/random.ts";

/** The events of a run. */
interface World {
  /** Messages get lost on the bus, come late, twice and in any order. */
  readonly bus: boolean;
  /** The store forgets old messages, loses all, is down, or answers from a replica that is behind. */
  readonly store: boolean;
}

/** Lets what waits in microtasks run. */
async function settle(): Promise<void> {
  for (let i = 0; i < 6; i++) await Promise.resolve();
}

/** A node, and what its listeners heard. */
interface Node {
  readonly stream: TopicStream;
  /** The last delivered offset of a subscriber, and how it got there. */
  at: Position | undefined;
  gaps: number;
  readonly log: string[];
}

/** One run; throws where a listener was served wrongly. The steps are cut short to find the shortest run that fails. */
async function run(seed: number, world: World, steps: number): Promise<void> {
  const random = new Random(seed);
  const clock = new FakeClock();
  const size = world.store ? 2 + random.below(20) : 10_000;
  const truth = new Map<string, string>();
  let store = createMemoryHistory({ clock });
  let state: "up" | "down" | "behind" = "up";
  let [replica, appended, mayMiss] = [store.read("c"), 0, false];
  const facade: HistoryStore = {
    name: "double",
    publishes: false,
    append: () => {
      throw new Error("Not here");
    },
    read(_channel, options): Promise<StoredPage> {
      const { promise, resolve, reject } = Promise.withResolvers<StoredPage>();
      const answer = () => {
        if (state === "down") return reject(new Error("The store is down"));
        if (state === "behind") {
          const { position, records } = replica;
          const since = options?.since;
          const complete = !since || since[0] === position[0] && since[1] <= position[1] &&
              since[1] + 1 >= (records[0]?.offset ?? position[1] + 1);
          const after = complete && since ? records.filter(({ offset }) => offset > since[1]) : records;
          return resolve({ position, complete, records: after.slice(0, options?.limit) });
        }
        resolve(store.read("c", options));
      };
      // Some answers are as of when they were asked for, some as of when they come.
      if (random.oneIn(3) && state === "up") {
        const page = store.read("c", options);
        clock.after(random.below(40), () => resolve(page));
      } else clock.after(random.below(40), answer);
      return promise;
    },
  };
  const nodes = Array.from({ length: 3 }, (): Node => {
    const node: Node = {
      at: undefined,
      gaps: 0,
      log: [],
      stream: new TopicStream({
        channel: "c",
        clock,
        store: facade,
        timeoutMs: 500,
        deliver(message) {
          const [epoch] = node.stream.position!;
          const { offset, data } = message;
          node.log.push(`${epoch.slice(0, 4)} ${offset}`);
          if (node.at) {
            assertEquals([epoch, offset], [node.at[0], node.at[1] + 1], `${node.log}: not the next one`);
          }
          assertEquals(truth.get(`${epoch} ${offset}`), data, `${node.log}: not what was kept there`);
          node.at = [epoch, offset];
        },
        gap(position) {
          node.log.push(`gap ${position[0].slice(0, 4)} ${position[1]}`);
          if (position[0] === node.at?.[0]) {
            assert(position[1] >= node.at[1], `${node.log}: back in its epoch`);
          }
          node.at = position;
          node.gaps++;
        },
        message: ({ offset, data }) => new RecordMessage("c", offset, data),
        delivered: ([epoch, offset]) => truth.get(`${epoch} ${offset}`),
        onError() {},
      }),
    };
    return node;
  });
  const publish = () => {
    const data = `"${++appended}"`;
    const position = store.append("c", data, { size, ttlMs: Infinity });
    truth.set(`${position[0]} ${position[1]}`, data);
    for (const { stream } of nodes) {
      const copies = !world.bus ? 1 : random.oneIn(6) ? 0 : random.oneIn(6) ? 2 : 1;
      for (let i = 0; i < copies; i++) {
        const take = () => stream.take(position, new RecordMessage("c", position[1], data), data.length);
        clock.after(world.bus ? random.below(random.oneIn(8) ? 400 : 25) : 5, take);
      }
    }
  };
  for (const node of nodes) {
    void Promise.resolve(node.stream.start()).then((at) => node.at ??= at, () => {});
  }
  clock.advance(50);
  await settle();
  for (const node of nodes) node.at ??= node.stream.position;
  for (let step = 0; step < steps; step++) {
    switch (random.below(world.store ? 9 : 6)) {
      case 0:
      case 1:
      case 2:
      case 3:
        publish();
        break;
      case 4:
        clock.advance(random.below(60));
        break;
      case 5: // a look at the store, as the sweep takes
        random.pick(nodes).stream.catchUp();
        break;
      case 6:
        mayMiss = true; // by what it forgets, at the least
        replica = store.read("c");
        state = random.pick(["up", "up", "down", "behind"] as const);
        break;
      case 7:
        clock.advance(random.below(3_000));
        break;
      case 8:
        if (!random.oneIn(4)) break;
        store = createMemoryHistory({ clock });
        mayMiss = true;
    }
    await settle();
    clock.advance(1);
    await settle();
  }
  state = "up";
  for (let i = 0; i < 40; i++) {
    if (i % 10 === 0) { for (const { stream } of nodes) stream.catchUp(); }
    clock.advance(200);
    await settle();
  }
  const end = store.read("c").position;
  for (const { stream, at, gaps, log } of nodes) {
    assertEquals([stream.position, at], [end, end], `${log}: not at the end`);
    if (!world.store) assertEquals(gaps, 0, `${log}: a gap though nothing was lost`);
    else if (!mayMiss && appended <= size) assertEquals(gaps, 0, `${log}: a gap though nothing was lost`);
  }
  assertEquals(clock.pending, 0, "a timer is left");
}

const runs = (count: number, world: World) => runSeeds(count, (seed, steps) => run(seed, world, steps));

test("stream model: 1,500 seeds: whatever the bus does, all listeners get all messages, in order, once, and no gap", () =>
  runs(1_500, { bus: true, store: false }));

test("stream model: 1,500 seeds: whatever bus and store do, missing messages are reported at their place", () =>
  runs(1_500, { bus: true, store: true }));

test("stream model: 300 seeds: a store that forgets and fails, behind a bus that loses nothing", () =>
  runs(300, { bus: false, store: true }));

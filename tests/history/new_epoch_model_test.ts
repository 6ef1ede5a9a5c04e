import { assert, assertEquals } from "@std/assert";
import type { HistoryStore, StoredPage } from "@trunkline/hub/adapters/history-store";
import { HubError, type Position } from "../../contract/mod.ts";
import { RecordMessage } from "../../hub/topics/record.ts";
import { TopicStream } from "../../hub/topics/stream/topic_stream.ts";
import { FakeClock } from "../fake_clock.ts";
import { runtime, test } from "../harness.ts";
import { runSeeds } from "./seeds.ts";
import { microtasks } from "../hub/wires.ts";
import { Random } from "../load/random.ts";
import { RestartingStore } from "./restarting_store.ts";

/** How far the clocks may be apart, as the stream has it, and how far they are. */
const CLOCKS_APART_MS = 1_000;
const MAX_BEHIND_MS = 400;

/** The events of a run. */
interface World {
  /** Every message has its own text; otherwise all look alike. */
  readonly distinct: boolean;
  /** A server that was replaced may take over again, with what it had. */
  readonly places: boolean;
}

/** The knowledge of a node when it learned of a new epoch. */
interface Change {
  readonly heardAt: number;
  readonly remembered: ReadonlyMap<number, string>;
}

/** A node, and what its listeners heard. */
interface Node {
  readonly stream: TopicStream;
  readonly heard: Set<number>;
  readonly changes: Change[];
  readonly log: string[];
  remembered: Map<number, string>;
  begin: number;
  heardAt: number;
  at: Position | undefined;
}

/** One run; throws where a listener was served wrongly. */
async function run(seed: number, { distinct, places }: World, steps: number): Promise<void> {
  const random = new Random(seed);
  const clock = new FakeClock();
  const trims = random.oneIn(3);
  const store = new RestartingStore(clock, trims ? 5 + random.below(150) : 10_000);
  const memory = random.pick([10_000, 10_000, 8]);
  let isDown = false;
  const facade: HistoryStore = {
    name: "restarting",
    publishes: false,
    append: () => {
      throw new Error("Not here");
    },
    read(_channel, options): Promise<StoredPage> {
      const { promise, resolve, reject } = Promise.withResolvers<StoredPage>();
      clock.after(random.below(20), () => {
        if (isDown) return reject(new Error("The store is down"));
        const page = store.read(options); // as of now, and on its way
        clock.after(random.below(20), () => resolve(page));
      });
      return promise;
    },
  };
  const data = (n: number) => distinct ? `"${n}"` : '"x"';
  const failures: unknown[] = [];
  const numbers = new Map<string, number>();
  const forget = (node: Node) => {
    for (const offset of node.remembered.keys()) {
      if (node.remembered.size <= memory) break;
      node.remembered.delete(offset);
    }
  };
  const nodes = Array.from({ length: 3 }, (): Node => {
    const node: Node = {
      heard: new Set(),
      changes: [],
      log: [],
      remembered: new Map(),
      begin: 0,
      heardAt: 0,
      at: undefined,
      stream: new TopicStream({
        channel: "c",
        clock,
        store: facade,
        timeoutMs: 500,
        delivered: ([epoch, offset]) => epoch === node.at?.[0] ? node.remembered.get(offset) : undefined,
        message: ({ offset, data }) => new RecordMessage("c", offset, data),
        deliver({ offset, data }) {
          const [epoch] = node.stream.position!;
          const n = numbers.get(`${epoch} ${offset}`)!;
          node.log.push(`${epoch} ${offset}: ${n}`);
          assertEquals([epoch, offset], [node.at![0], node.at![1] + 1], `${node.log}: not the next one`);
          assert(!node.heard.has(n), `${node.log}: ${n} was heard before`);
          if (!places) assert(n > Math.max(0, ...node.heard), `${node.log}: ${n} is older`);
          node.heard.add(n);
          node.at = [epoch, offset];
          node.heardAt = clock.now();
          node.remembered.set(offset, data);
          forget(node);
        },
        gap(position) {
          node.log.push(`gap ${position}`);
          if (!trims) assert(position[0] !== node.at![0], `${node.log}: a gap within an epoch`);
          if (position[0] !== node.at![0]) {
            node.changes.push({ heardAt: node.heardAt, remembered: node.remembered });
            node.remembered = new Map();
          }
          node.at = position;
        },
        onError(error) {
          if (!(error instanceof HubError)) failures.push(error); // the store is down now and then
        },
      }),
    };
    return node;
  });
  const publish = () => {
    const position = store.append(data);
    const { n, data: text } = store.kept.get(position[1])!;
    numbers.set(`${position[0]} ${position[1]}`, n);
    for (const { stream } of nodes) {
      const copies = random.oneIn(6) ? 0 : random.oneIn(6) ? 2 : 1;
      for (let i = 0; i < copies; i++) {
        const take = () => stream.take(position, new RecordMessage("c", position[1], text), text.length);
        clock.after(random.below(random.oneIn(8) ? 400 : 25), take);
      }
    }
  };
  for (let i = random.below(30); i > 0; i--) publish();
  for (const node of nodes) {
    void Promise.resolve(node.stream.start()).then((at) => {
      node.at ??= at;
    });
  }
  clock.advance(50);
  await microtasks();
  for (const node of nodes) {
    node.begin = store.appended;
    node.heardAt = clock.now();
  }
  for (let step = 0; step < steps; step++) {
    switch (random.below(10)) {
      case 0:
      case 1:
      case 2:
      case 3:
        publish();
        break;
      case 4:
        for (let i = random.below(random.oneIn(4) ? 200 : 8); i > 0; i--) publish();
        break;
      case 5:
        clock.advance(random.below(60));
        break;
      case 6: // a look at the store, as the sweep takes
        random.pick(nodes).stream.catchUp();
        break;
      case 7:
        isDown = random.oneIn(2);
        break;
      case 8:
        clock.advance(random.below(3_000));
        break;
      case 9:
        if (places && random.oneIn(2)) {
          clock.advance(3 * CLOCKS_APART_MS); // it takes a while to notice
          await microtasks();
          store.changePlaces();
        } else {
          const lost = random.pick([0, 0, random.below(4), random.below(150), Infinity]);
          store.restart(lost, random.below(MAX_BEHIND_MS));
        }
        for (const [offset, { n }] of store.kept) numbers.set(`${store.position[0]} ${offset}`, n);
    }
    await microtasks();
    clock.advance(1);
    await microtasks();
  }
  if (failures.length > 0) throw failures[0];
  isDown = false;
  for (let i = 0; i < 40; i++) {
    if (i % 10 === 0) { for (const { stream } of nodes) stream.catchUp(); }
    clock.advance(200);
    await microtasks();
  }
  if (failures.length > 0) throw failures[0];
  for (const { stream, at, heard, changes, begin, log } of nodes) {
    assertEquals([stream.position, at], [store.position, store.position], `${log}: not at the end`);
    if (places) continue;
    for (const [offset, { n, at, data }] of store.kept) {
      if (n <= begin || heard.has(n)) continue;
      const isDoubtful = ({ heardAt, remembered }: Change) => {
        const known = remembered.get(offset);
        const differs = known !== undefined && known !== data;
        return at <= heardAt + CLOCKS_APART_MS + MAX_BEHIND_MS &&
          !(differs && at > heardAt - CLOCKS_APART_MS + MAX_BEHIND_MS);
      };
      assert(changes.some(isDoubtful), `${log}: ${n} at ${offset} was not heard`);
    }
  }
  assertEquals(clock.pending, 0, "a timer is left");
}

/** How many seeds of each. Bun runs the same: fewer are enough to see that it does. */
const RUNS = runtime === "deno" ? 300 : 60;

const runs = (count: number, world: World) => runSeeds(count, (seed, steps) => run(seed, world, steps));

test("new epochs: many seeds: after a restart of the store no listener gets a message twice, and all get the new ones", () =>
  runs(RUNS, { distinct: true, places: false }));

test("new epochs: many seeds: with equal messages, no listener gets one twice, or misses a young one", () =>
  runs(RUNS, { distinct: false, places: false }));

test("new epochs: many seeds: no listener gets a message twice when servers take over from each other in turn", () =>
  runs(RUNS, { distinct: true, places: true }));

import { assert, assertEquals } from "@std/assert";
import { isSenior, type Place, type Ranked, Seniority } from "../../hub/nodes/seniority.ts";
import { test } from "../harness.ts";
import { Random } from "../load/random.ts";

/** The knowledge of a node and its messages to the others, without the rest of a hub. */
interface Model {
  readonly id: string;
  readonly seniority: Seniority;
  /** The nodes that it knows, and their ranks. */
  readonly known: Map<string, number>;
  /** The nodes for whose answers it waits at its start; `undefined` after that. */
  awaited: Set<string> | undefined;
}

type Word = "hello" | "here" | "beat";

/** Nodes whose words take their time: in order from one to another, in any order otherwise. */
class World {
  readonly nodes = new Map<string, Model>();
  readonly #random: Random;
  readonly #queues = new Map<string, { word: Word; place: Place }[]>();
  /** Each node goes to one side; words between sides are lost. */
  side = (_: string) => 0;
  #lastId = 0;

  constructor(seed: number) {
    this.#random = new Random(seed);
  }

  pick<T>(items: readonly T[]): T | undefined {
    return items.length === 0 ? undefined : this.#random.pick(items);
  }

  leader({ id, seniority, known }: Model): string {
    let first: Ranked = { id, rank: seniority.rank };
    for (const [other, rank] of known) if (isSenior({ id: other, rank }, first)) first = { id: other, rank };
    return first.id;
  }

  start(): Model {
    const id = `${this.#random.below(1_000)} ${++this.#lastId}`;
    const node: Model = {
      id,
      seniority: new Seniority(id),
      known: new Map(),
      awaited: new Set(this.nodes.keys()),
    };
    for (const other of node.awaited!) if (this.side(other) !== this.side(id)) node.awaited!.delete(other);
    this.nodes.set(id, node);
    this.broadcast(node, "hello");
    return node;
  }

  settle(node: Model): void {
    node.awaited = undefined;
    if (node.seniority.settle()) this.broadcast(node, "beat");
  }

  /** Kills a node, and all others notice it. */
  kill(node: Model): void {
    this.nodes.delete(node.id);
    for (const other of this.nodes.values()) {
      other.known.delete(node.id);
      other.awaited?.delete(node.id);
    }
    for (const key of [...this.#queues.keys()]) {
      if (key.split(">").includes(node.id)) this.#queues.delete(key);
    }
  }

  /** The sides do not hear of each other any more. */
  forgetOthers(): void {
    for (const node of this.nodes.values()) {
      for (const other of [...node.known.keys()]) {
        if (this.side(other) !== this.side(node.id)) node.known.delete(other);
      }
    }
  }

  beat(node: Model): void {
    node.seniority.beat([...node.known].map(([id, rank]) => ({ id, rank })));
    this.broadcast(node, "beat");
  }

  broadcast(node: Model, word: Word): void {
    for (const other of this.nodes.keys()) if (other !== node.id) this.send(node, other, word);
  }

  send(from: Model, to: string, word: Word): void {
    if (this.side(from.id) !== this.side(to)) return;
    const key = `${from.id}>${to}`;
    const { rank, highest } = from.seniority;
    const place = { rank, highest, leader: this.leader(from) };
    this.#queues.set(key, [...this.#queues.get(key) ?? [], { word, place }]);
  }

  /** Delivers one word, if there is any. */
  deliver(): boolean {
    const key = this.pick([...this.#queues.keys()]);
    if (key === undefined) return false;
    const [from, to] = key.split(">") as [string, string];
    const queue = this.#queues.get(key)!;
    const { word, place } = queue.shift()!;
    if (queue.length === 0) this.#queues.delete(key);
    if (this.side(from) !== this.side(to)) return true;
    const node = this.nodes.get(to)!;
    const before = node.known.get(from);
    node.known.set(from, Math.max(before ?? 0, place.rank));
    if (node.seniority.hear(place, before)) this.broadcast(node, "beat");
    if (word === "hello" || (word === "beat" && before === undefined)) this.send(node, from, "here");
    if (word === "here" && node.awaited?.delete(from) && node.awaited.size === 0) this.settle(node);
    return true;
  }

  /** Delivers all messages, lets all nodes send, and delivers all again. */
  rest(): void {
    for (let round = 0; round < 4; round++) {
      while (this.deliver());
      for (const node of this.nodes.values()) if (node.awaited) this.settle(node);
      for (const node of this.nodes.values()) this.beat(node);
    }
    while (this.deliver());
  }

  leaders(): Set<string> {
    return new Set([...this.nodes.values()].map((node) => this.leader(node)));
  }
}

const SEEDS = Array.from({ length: 300 }, (_, seed) => seed + 1);

test("seniority: in every order of messages, all nodes agree on a leader, and no new node takes over", () => {
  for (const seed of SEEDS) {
    const world = new World(seed);
    world.settle(world.start());
    world.rest();
    for (let step = 0; step < 60; step++) {
      const nodes = [...world.nodes.values()];
      switch (world.pick(["start", "start", "kill", "beat", "deliver", "deliver", "deliver", "rest"])) {
        case "start": {
          if (nodes.length >= 8) break;
          const leading = world.leaders();
          const settled = nodes.every(({ awaited }) => !awaited);
          const node = world.start();
          // If all nodes agreed, the new node waits for all of them, and follows.
          if (settled && leading.size === 1) {
            world.rest();
            assertEquals([...world.leaders()], [...leading], `seed ${seed}: ${node.id} took over`);
          }
          break;
        }
        case "kill":
          if (nodes.length > 1) world.kill(world.pick(nodes)!);
          break;
        case "beat":
          world.beat(world.pick(nodes)!);
          break;
        case "deliver":
          world.deliver();
          break;
        case "rest":
          world.rest();
          assertEquals(world.leaders().size, 1, `seed ${seed}`);
      }
    }
    world.rest();
    assertEquals(world.leaders().size, 1, `seed ${seed}`);
  }
});

test("seniority: after a split all nodes agree again on the leader from before, if it is still there", () => {
  for (const seed of SEEDS) {
    const world = new World(seed);
    world.settle(world.start());
    for (let n = 0; n < 5; n++) {
      world.rest();
      world.start();
    }
    world.rest();
    const [before] = world.leaders();
    const left = new Set([...world.nodes.keys()].filter((_, i) => (seed + i) % 3 === 0));
    world.side = (id) => left.has(id) ? 1 : 0;
    world.forgetOthers();
    world.rest();
    assertEquals(world.leaders().size, left.size === 0 || left.size === world.nodes.size ? 1 : 2);
    for (let n = 0; n < seed % 3; n++) world.start();
    world.rest();
    world.side = () => 0;
    world.rest();
    assertEquals([...world.leaders()], [before!], `seed ${seed}`);
  }
});

test("seniority: a node that began alone goes behind a cluster that it finds late, whichever node speaks first", () => {
  for (const seed of SEEDS) {
    const world = new World(seed);
    world.settle(world.start());
    for (let n = 0; n < 3; n++) {
      world.rest();
      world.start();
    }
    world.rest();
    for (let n = 0; n < seed % 3; n++) { // the cluster's ranks need not begin with 1
      const [leader] = world.leaders();
      world.kill(world.nodes.get(leader!)!);
    }
    world.rest();
    const [before] = world.leaders();
    const inside = new Set(world.nodes.keys());
    world.side = (id) => inside.has(id) ? 0 : 1;
    const alone = world.start();
    world.settle(alone);
    world.rest();
    assertEquals(world.leader(alone), alone.id);
    world.side = () => 0;
    world.rest();
    assertEquals([...world.leaders()], [before!], `seed ${seed}`);
  }
});

test("seniority: a single leader stays the leader when the greeting of a new node was lost", () => {
  const old = new Seniority("old");
  old.settle();
  assertEquals([old.beat([]), old.rank], [true, 1]);
  const newcomer = new Seniority("new");
  newcomer.settle(); // no node has answered
  assert(newcomer.hear({ rank: old.rank, highest: old.highest, leader: "old" }, undefined));
  assertEquals(old.hear({ rank: newcomer.rank, highest: newcomer.highest, leader: "old" }, undefined), false);
  assertEquals([old.rank, newcomer.rank], [1, 2]);
});

test("seniority: a node without a rank takes one when a new node greets it, and stays before it", () => {
  const old = new Seniority("z");
  old.settle();
  assert(old.hear({ rank: 0, highest: 0, leader: "a" }, undefined));
  const newcomer = new Seniority("a");
  newcomer.hear({ rank: old.rank, highest: old.highest, leader: "z" }, undefined);
  newcomer.settle();
  assert(isSenior({ id: "z", rank: old.rank }, { id: "a", rank: newcomer.rank }));
});

test("seniority: nodes that began together keep the order of their ids, whichever of them takes a rank first", () => {
  const [a, b] = [new Seniority("a"), new Seniority("b")];
  a.hear({ rank: 0, highest: 0, leader: "b" }, undefined);
  b.hear({ rank: 0, highest: 0, leader: "a" }, undefined);
  for (const node of [a, b]) assertEquals(node.settle(), false);
  assertEquals(b.beat([{ id: "a", rank: 0 }]), false); // it would not lead
  assert(b.hear({ rank: 0, highest: 0, leader: "c" }, undefined)); // a newcomer, which the other has not heard yet
  assert(a.hear({ rank: b.rank, highest: b.highest, leader: "a" }, 0));
  assert(isSenior({ id: "a", rank: a.rank }, { id: "b", rank: b.rank }));
});

test("seniority: the order is strict, and nodes without a rank are last", () => {
  const nodes: Ranked[] = [{ id: "b", rank: 1 }, { id: "a", rank: 2 }, { id: "c", rank: 2 }, {
    id: "0",
    rank: 0,
  }];
  for (const [i, a] of nodes.entries()) {
    for (const [j, b] of nodes.entries()) assertEquals(isSenior(a, b), i < j);
  }
  const last = new Seniority("z");
  last.hear({ rank: 1, highest: 2 ** 40, leader: "" }, undefined);
  assert(last.settle());
  assertEquals(last.rank, 2 ** 40); // it goes no further: ids decide
});

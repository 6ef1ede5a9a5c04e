import { assert, assertEquals } from "@std/assert";
import process from "node:process";
import { createMemoryAdapter, createMemoryBus } from "@trunkline/hub";
import type { LoopbackClient } from "@trunkline/hub/transports/loopback";
import { FakeClock } from "../fake_clock.ts";
import { test } from "../harness.ts";
import { microtasks, type RawClient, rawClient, turn } from "../hub/wires.ts";
import { Random } from "./random.ts";
import { type LoadHubOptions, type LoadNode, type Mark, onCluster } from "./scene.ts";

/** Fixed, so that every run does the same; `LOAD_SEED` tries others. */
const FIRST_SEED = Number(process.env.LOAD_SEED ?? 1);
const RUNS = 3;
const STEPS = 2_000;
const MAX_CONNECTIONS = 24;
const ROOMS = ["r0", "r1", "r2"];
const TOPICS = ["feed/0", "log/0", "latest/0"] as const;
const USERS = ["ann", "bob", "cyd"];
const KEYS = ["a", "b"];
/** The id of all requests for a subscription. */
const SUBSCRIPTION = 1;
const LARGE = "x".repeat(70 * 1024); // more than a frame
/** Small, so that messages for a paused client wait, but not so small that the policy applies. */
const outbox = { maxMessages: 1e6, maxBytes: 1e9, highWaterBytes: 4_000, maxFrameMessages: 8 };

type Heard = Mark & { readonly key?: string };

/** A hub as simple as it gets: a list for each connection, of what it must hear and in which order. */
class Conn {
  readonly home: number;
  readonly role: string;
  readonly user: string;
  readonly client: RawClient;
  readonly line: LoopbackClient;
  readonly id: string;
  /** The rooms and topics it is in, as far as every node knows. */
  readonly channels: Set<string> = new Set();
  /** The rooms it is in at this moment, as its own node says; a join takes effect within a turn. */
  readonly rooms: () => ReadonlySet<string>;
  readonly expected: Heard[] = [];
  /** The numbers of its requests, each of which is answered. */
  readonly asked: number[] = [];
  paused = false;

  constructor(
    id: string,
    home: number,
    role: string,
    user: string,
    client: RawClient,
    line: LoopbackClient,
    rooms: () => ReadonlySet<string>,
  ) {
    this.id = id;
    this.home = home;
    this.role = role;
    this.user = user;
    this.client = client;
    this.line = line;
    this.rooms = rooms;
  }

  get heard(): Heard[] {
    return this.client.heard.filter(([kind]) => kind === "ev" || kind === "pub" || kind === "rec")
      .map((message) => message[message[0] === "rec" ? 3 : 2] as Heard);
  }

  /** The numbers of the answers that came. */
  get answers(): number[] {
    return this.client.heard.filter(([kind, id]) => kind === "res" && id !== SUBSCRIPTION)
      .map(([, , mark]) => (mark as Mark).n);
  }

  /** Fails unless it heard what it had to. */
  check(seed: number, nodes: number): void {
    const { heard, expected } = this;
    const what = `connection ${this.id} with seed ${seed}`;
    assertEquals(this.answers, this.asked, `${what}: answers`);
    // What may be conflated: some of it, and never out of order; the latest of every key.
    const subsequence = (all: Heard[], of: Heard[], which: string) => {
      let at = 0;
      for (const { p, n } of all) {
        while (at < of.length && (of[at]!.p !== p || of[at]!.n !== n)) at++;
        assert(at++ < of.length, `${what}: heard ${p}:${n} ${which} twice, in disorder, or not for it`);
      }
    };
    const own = (all: Heard[]) => all.filter(({ p }) => p === this.home);
    subsequence(own(heard), own(expected), "of the own node");
    for (let p = 0; p < nodes; p++) {
      const latest = (all: Heard[]) => all.filter((m) => m.p === p && m.c === "latest/0");
      subsequence(latest(heard), latest(expected), "on latest/0");
    }
    const latest = (all: Heard[]) =>
      new Map(all.filter(({ c }) => c === "latest/0").map((m) => [m.key, m.n]));
    if (nodes === 1) assertEquals(latest(heard), latest(expected), what);
    // All else is exact: what its own node said in the order of the calls, what others said in the order of each
    // channel.
    const whole = (all: Heard[]) => all.filter(({ c }) => c !== "latest/0");
    const of = (all: Heard[], p: number) =>
      whole(all).filter((m) => m.p === p).map(({ n, c }) => `${n} ${c}`);
    assertEquals(of(heard, this.home), of(expected, this.home), `${what}, own node`);
    assertEquals(whole(heard).length, whole(expected).length, what);
    for (let p = 0; p < nodes; p++) {
      for (const channel of [...ROOMS, ...TOPICS.slice(0, 2), ...USERS, "member", "guest"]) {
        const on = (all: Heard[]) =>
          all.filter((m) => m.p === p && m.c.split(",").includes(channel)).map(({ n }) => n);
        assertEquals(on(heard), on(expected), `${what}, node ${p} on ${channel}`);
      }
    }
  }
}

/** The same step for the hubs and for the plain lists. */
class Mix {
  readonly conns: Conn[] = [];
  readonly #nodes: readonly LoadNode[];
  readonly #clock: FakeClock;
  readonly #random: Random;
  readonly #seed: number;
  readonly #counts = [0, 0];
  readonly #rooms: ReadonlyMap<string, () => ReadonlySet<string>>;
  checked = 0;
  #asks = SUBSCRIPTION;

  constructor(
    nodes: readonly LoadNode[],
    clock: FakeClock,
    seed: number,
    rooms: ReadonlyMap<string, () => ReadonlySet<string>>,
  ) {
    this.#nodes = nodes;
    for (const [p, node] of nodes.entries()) node.asked = (_, { id }) => this.#passOn(p, id);
    this.#rooms = rooms;
    this.#clock = clock;
    this.#random = new Random(seed);
    this.#seed = seed;
  }

  /** Executes one step. Calls that it does not await go on in the turn. */
  step(): Promise<void> | void {
    const random = this.#random;
    if (this.conns.length < 6) return this.#connect();
    const roll = random.below(100);
    if (roll < 56) return this.#publish();
    if (roll < 70) return microtasks(1 + random.below(4)); // into the turn, or just beyond its end
    if (roll < 78) return this.#join();
    if (roll < 83) return this.#leave();
    if (roll < 90) return this.#pauseOrResume();
    if (roll < 92 && this.conns.length < MAX_CONNECTIONS) return this.#connect();
    if (roll < 93) return this.#disconnect();
    if (roll < 95) return this.#clock.advance(random.below(300));
    return turn();
  }

  /** Lets everything arrive, and compares. */
  async settle(): Promise<void> {
    for (const conn of this.conns) conn.line.resume();
    for (const conn of this.conns) conn.paused = false;
    for (let i = 0; i < 5; i++) await turn();
    for (const conn of this.conns) conn.check(this.#seed, this.#nodes.length);
    this.checked += this.conns.length;
  }

  async #connect(): Promise<void> {
    const random = this.#random;
    const home = random.below(this.#nodes.length);
    const role = random.pick(["member", "member", "guest"]);
    const user = random.pick(USERS);
    // It is addressed from the moment when the hub knows it: no client publishes until it has its welcome.
    await turn();
    const line = this.#nodes[home]!.loopback.client();
    const client = await rawClient(line, { role, token: user });
    await turn();
    const { connection } = client.heard[0]![1] as { connection: string };
    this.conns.push(new Conn(connection, home, role, user, client, line, this.#rooms.get(connection)!));
  }

  async #disconnect(): Promise<void> {
    const conn = this.#random.pick(this.conns);
    conn.line.resume();
    for (let i = 0; i < 5; i++) await turn();
    conn.check(this.#seed, this.#nodes.length);
    this.checked++;
    this.conns.splice(this.conns.indexOf(conn), 1);
    conn.client.leave();
  }

  #join(): Promise<void> | void {
    const random = this.#random;
    const conn = random.pick(this.conns);
    const { hub } = this.#nodes[conn.home]!;
    if (random.oneIn(3)) return this.#subscribe(conn, random.pick(TOPICS));
    const room = random.pick(ROOMS);
    // On one node it is known when it is in, and the turn goes on; it may leave before.
    if (this.#nodes.length === 1) return void hub.room(room).add(conn).catch(() => {});
    return this.#arrived().then(() => hub.room(room).add(conn)).then(() => void conn.channels.add(room));
  }

  async #subscribe(conn: Conn, topic: string): Promise<void> {
    if (conn.channels.has(topic)) return;
    await this.#arrived(); // what others have published until now is not for it
    conn.client.say(["sub", SUBSCRIPTION, topic]);
    await turn();
    conn.channels.add(topic);
  }

  #leave(): Promise<void> | void {
    const random = this.#random;
    const conn = random.pick(this.conns);
    const channel = random.pick([...ROOMS, ...TOPICS]);
    if (!ROOMS.includes(channel)) return this.#unsubscribe(conn, channel);
    // What its own node has said until now still arrives; what others have said must have arrived.
    const remove = () => {
      conn.channels.delete(channel);
      this.#nodes[conn.home]!.hub.room(channel).remove(conn);
    };
    if (this.#nodes.length === 1) remove();
    else return this.#arrived().then(remove);
  }

  async #unsubscribe(conn: Conn, topic: string): Promise<void> {
    await this.#arrived();
    conn.client.say(["unsub", topic]);
    conn.channels.delete(topic);
    await turn();
  }

  /** Waits for the other nodes' messages, if there may be any; the turn of this call may go on otherwise. */
  async #arrived(): Promise<void> {
    if (this.#nodes.length > 1) await turn();
  }

  #pauseOrResume(): void {
    const conn = this.#random.pick(this.conns);
    conn.paused = !conn.paused;
    if (conn.paused) conn.line.pause();
    else conn.line.resume();
  }

  /** A client says a line: all others in a room hear it before the client has its answer. */
  #passOn(p: number, id: string): void {
    const room = this.#random.pick(ROOMS);
    const message = { p, n: this.#counts[p]!++, c: room };
    for (const conn of this.conns) if (conn.id !== id && this.#isIn(conn, room)) conn.expected.push(message);
    this.#nodes[p]!.hub.room(room).broadcast("note", message, { except: { id } });
  }

  #isIn(conn: Conn, room: string): boolean {
    return (this.#nodes.length === 1 ? conn.rooms() : conn.channels).has(room);
  }

  #publish(): void {
    const random = this.#random;
    const p = random.below(this.#nodes.length);
    const { hub } = this.#nodes[p]!;
    const inRoom = (conn: Conn, room: string) => this.#isIn(conn, room);
    const fill = random.oneIn(30) ? LARGE : random.oneIn(4) ? LARGE.slice(0, 900) : undefined;
    const mark = (c: string): Mark => ({ p, n: this.#counts[p]!++, c, fill });
    const tell = (message: Heard, isFor: (conn: Conn) => boolean) => {
      for (const conn of this.conns) if (isFor(conn)) conn.expected.push(message);
    };
    const except = random.oneIn(3) ? random.pick(this.conns) : undefined;
    switch (random.below(11)) {
      case 0:
      case 1: {
        const room = random.pick(ROOMS);
        const message = mark(room);
        tell(message, (conn) => inRoom(conn, room) && conn !== except);
        return hub.room(room).broadcast("note", message, { except });
      }
      case 2: {
        const room = random.pick(ROOMS);
        const message = mark(room);
        tell(message, (conn) => inRoom(conn, room) && conn.role === "member" && conn !== except);
        return hub.room(room).broadcast("line", message, { except });
      }
      case 3: {
        const rooms = random.some(ROOMS);
        const message = mark(rooms.join());
        tell(message, (conn) => rooms.some((room) => inRoom(conn, room)) && conn !== except);
        return hub.rooms(rooms).broadcast("note", message, { except });
      }
      case 4: {
        const topic = random.pick(["feed/0", "log/0"] as const);
        const message = mark(topic);
        tell(message, (conn) => conn.channels.has(topic));
        return void hub.publish(topic, message);
      }
      case 5: {
        const message = { ...mark("latest/0"), key: random.pick(KEYS) };
        tell(message, (conn) => conn.channels.has("latest/0"));
        return hub.publish("latest/0", message);
      }
      case 6: {
        const user = random.pick(USERS);
        const message = mark(user);
        tell(message, (conn) => conn.user === user);
        return hub.user(user).emit("note", message);
      }
      case 7: {
        const role = random.pick(["member", "guest"] as const);
        const message = mark(role);
        tell(message, (conn) => conn.role === role);
        return hub.forRole(role).emit("note", message);
      }
      case 8:
      case 9: {
        const asker = random.pick(this.conns.filter(({ role }) => role === "member"));
        if (!asker) return;
        const n = ++this.#asks;
        asker.asked.push(n);
        return asker.client.say(["req", n, "ask", { p, n, c: "" }]);
      }
      default: {
        const own = random.pick(this.conns);
        const message = mark(own.id);
        tell(message, (conn) => conn === own);
        return hub.connection(own.id).emit("note", message);
      }
    }
  }
}

for (const count of [1, 2]) {
  const where = count === 1 ? "a node" : `${count} nodes`;
  test(`promises 2, 3 and 8 under load: any mix of calls on ${where} gives the same result as plain lists`, async () => {
    for (let seed = FIRST_SEED; seed < FIRST_SEED + RUNS; seed++) {
      const bus = createMemoryBus();
      const clock = new FakeClock();
      const rooms = new Map<string, () => ReadonlySet<string>>();
      const options: LoadHubOptions = {
        clock,
        heartbeatMs: 1e9,
        cluster: { nodeTimeoutMs: 1e9 },
        limits: { outbox },
        onConnection: (conn) => void rooms.set(conn.id, () => conn.rooms),
      };
      await onCluster(() => createMemoryAdapter({ bus }), count, options, async (nodes) => {
        const mix = new Mix(nodes, clock, seed, rooms);
        let held = 0;
        for (let step = 1; step <= STEPS; step++) {
          const done = mix.step();
          if (done) await done;
          held = Math.max(held, ...nodes.map(({ hub }) => hub.stats().held));
          if (step % 500 === 0) await mix.settle();
        }
        await mix.settle();
        assert(held > 20 && mix.checked > 50, "hardly anything happened");
        for (const { hub } of nodes) assertEquals(hub.stats().held, 0);
        assertEquals(nodes.flatMap(({ errors }) => errors), []);
        for (const { client } of mix.conns) client.leave();
      });
    }
  });
}

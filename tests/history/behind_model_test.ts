import { assert } from "@std/assert";
import fc from "fast-check";
import { runs } from "../contract/runs.ts";
import { ListeningClient } from "./behind_client.ts";
import { runtime, test } from "../harness.ts";
import { WatchedClient } from "./behind_watched.ts";
import { type BehindNode, type Follower, World } from "./behind_world.ts";

const NODES = 2;
const CLIENTS = 3;

type Command =
  | { do: "publish"; node: number; count: number }
  | { do: "freeze" | "thaw" | "answer" | "gap" | "ask"; node: number }
  | { do: "arrive"; node: number; n: number; fate: "all" | "one" | "lost" | "twice" }
  | { do: "come"; client: number; node: number; how: "on" | "new" | "last" }
  | { do: "again" | "leave"; client: number }
  | { do: "forge"; node: number; n: number; epoch: "now" | "before" | "none" }
  | { do: "restart"; lost: number }
  | { do: "pass"; ms: number };

const node = fc.nat(NODES - 1);
const client = fc.nat(CLIENTS - 1);
const weighted = (weight: number, shape: Record<string, fc.Arbitrary<unknown>>) => ({
  weight,
  arbitrary: fc.record(shape) as unknown as fc.Arbitrary<Command>,
});
const is = fc.constant;

const steady = [
  weighted(6, { do: is("publish"), node: fc.nat(NODES), count: fc.constantFrom(1, 1, 2, 5, 20, 120) }),
  weighted(4, { do: fc.constantFrom("freeze", "thaw", "answer", "answer"), node }),
  weighted(2, { do: fc.constantFrom("gap", "ask"), node }),
  weighted(4, {
    do: is("arrive"),
    node,
    n: fc.nat(20),
    fate: fc.constantFrom("all", "one", "lost", "twice"),
  }),
  weighted(6, { do: is("come"), client, node, how: fc.constantFrom("on", "on", "on", "new", "last") }),
  weighted(2, { do: fc.constantFrom("again", "leave"), client }),
  weighted(2, {
    do: is("forge"),
    node,
    n: fc.nat(40),
    epoch: fc.constantFrom("now", "now", "before", "none"),
  }),
  weighted(3, { do: is("pass"), ms: fc.constantFrom(1, 20, 60, 300, 3_000, 11_000) }),
];
const restart = weighted(3, { do: is("restart"), lost: fc.constantFrom(0, 0, 1, 3, Infinity) });

/** A number that is at least what it was when asked. */
async function ask(world: World, { hub }: BehindNode): Promise<void> {
  const { restarts } = world;
  const [epoch, offset] = world.store.position;
  const [position, page] = await Promise.all([hub.position("log"), hub.history("log")]);
  if (restarts !== world.restarts) return;
  assert(position.epoch === epoch && position.offset >= offset, `${position.offset} is before ${offset}`);
  assert(page.epoch === epoch && page.last >= offset, `${page.last} is before ${offset}`);
}

class Run {
  readonly world: World;
  readonly clients: readonly Follower[];
  readonly #forgers: WatchedClient[] = [];
  #before = "epoch 0";

  constructor(size: number, create: CreateFollower) {
    const world = this.world = new World(size);
    this.clients = Array.from({ length: CLIENTS }, () => create(world));
  }

  async start(): Promise<void> {
    for (let i = 0; i < NODES; i++) await this.world.addNode();
    for (const [i, client] of this.clients.entries()) client.connect(this.world.nodes[i % NODES]!);
    await this.world.settle();
  }

  async step(command: Command): Promise<void> {
    const { world, clients } = this;
    switch (command.do) {
      case "publish": {
        const by = world.nodes[command.node];
        for (let i = 0; i < command.count; i++) {
          if (by) void by.hub.publish("log", world.store.appended + 1);
          else world.append();
        }
        break;
      }
      case "freeze":
        world.nodes[command.node]!.isFrozen = true;
        break;
      case "thaw":
        world.nodes[command.node]!.thaw();
        break;
      case "answer":
        world.nodes[command.node]!.answer(1);
        break;
      case "gap":
        world.nodes[command.node]!.gap();
        break;
      case "ask":
        ask(world, world.nodes[command.node]!).catch((error) => {
          if (error instanceof Error && error.name !== "HubError") world.failures.push(error);
        });
        break;
      case "arrive":
        world.nodes[command.node]!.arrive(command.n, command.fate);
        break;
      case "come": {
        const { how } = command;
        const client = clients[command.client]!;
        client.connect(
          world.nodes[command.node]!,
          how === "new" ? {} : how === "last" ? { last: 5 } : undefined,
        );
        break;
      }
      case "again":
        clients[command.client]!.again();
        break;
      case "leave":
        clients[command.client]!.leave();
        break;
      case "forge": {
        const epoch =
          { now: world.store.position[0], before: this.#before, none: "__proto__" }[command.epoch];
        const forger = new WatchedClient(world);
        forger.cursor = [epoch, command.n];
        forger.connect(world.nodes[command.node]!);
        this.#forgers.push(forger);
        break;
      }
      case "restart":
        this.#before = world.store.position[0];
        world.restart(command.lost);
        break;
      case "pass":
        await world.pass(command.ms);
    }
    await world.settle();
  }

  async end(): Promise<void> {
    const { world, clients } = this;
    for (const forger of this.#forgers) forger.leave();
    for (const node of world.nodes) node.thaw();
    await world.settle();
    for (const [i, client] of clients.entries()) {
      if (!client.isLinked) client.connect(world.nodes[i % NODES]!);
    }
    for (let i = 0; i < 30; i++) await world.pass(1_000);
    for (const client of clients) client.checkEnd();
    for (const node of world.nodes) await node.hub.close();
  }
}

/** Runs that failed before the bugs were mended. */
const FAILED: [number, Command[]][] = [
  // A gap of the node sent a client back that was ahead of it.
  [12, [
    { do: "freeze", node: 0 },
    { do: "publish", node: 1, count: 1 },
    { do: "arrive", node: 0, n: 0, fate: "lost" },
    { do: "come", client: 0, node: 0, how: "last" },
    { do: "publish", node: 0, count: 20 },
  ]],
  // A client had messages from another node, and a new epoch showed them again.
  [4, [
    { do: "freeze", node: 1 },
    { do: "publish", node: 0, count: 1 },
    { do: "arrive", node: 1, n: 0, fate: "lost" },
    { do: "come", client: 0, node: 1, how: "on" },
    { do: "restart", lost: 0 },
  ]],
  // A client came in the middle of the first messages of a new epoch, which it had from another node.
  [100, [
    { do: "freeze", node: 1 },
    { do: "publish", node: 0, count: 120 },
    { do: "restart", lost: 0 },
    { do: "publish", node: 1, count: 1 },
    { do: "answer", node: 1 },
    { do: "restart", lost: 0 },
    { do: "come", client: 0, node: 1, how: "on" },
  ]],
  // A read from before a client came did not know its epoch yet.
  [4, [
    { do: "freeze", node: 1 },
    { do: "forge", node: 1, n: 0, epoch: "none" },
    { do: "restart", lost: 0 },
    { do: "publish", node: 0, count: 1 },
    { do: "come", client: 0, node: 1, how: "on" },
    { do: "come", client: 0, node: 1, how: "on" },
    { do: "answer", node: 1 },
  ]],
];

type CreateFollower = (world: World) => Follower;

const watched: CreateFollower = (world) => new WatchedClient(world);
const listening: CreateFollower = (world) => new ListeningClient(world);

const check = (
  count: number,
  commands: typeof steady,
  examples: typeof FAILED,
  create: CreateFollower = watched,
) =>
  fc.assert(
    fc.asyncProperty(
      fc.constantFrom(4, 12, 100),
      fc.array(fc.oneof(...commands), { maxLength: 60, size: "max" }),
      async (size, commands) => {
        const run = new Run(size, create);
        await run.start();
        for (const command of commands) await run.step(command);
        await run.end();
      },
    ),
    { ...runs(count), examples },
  );

/** Bun runs the same: fewer are enough to see that it does. */
const RUNS = runtime === "deno" ? 400 : 80;
/** Some seconds; a busy machine needs longer. */
const PATIENT = { timeoutMs: 120_000 };

test(
  "behind: clients of nodes that are behind get each message once, in order, and are told where one is missing",
  () => check(RUNS, steady, FAILED.slice(0, 1)),
  PATIENT,
);

test(
  "behind: the same while the store begins new epochs",
  () => check(RUNS, [...steady, restart], FAILED),
  PATIENT,
);

test(
  "behind: the same with the client of this package",
  () => check(RUNS / 2, [...steady, restart], FAILED, listening),
  PATIENT,
);

import { assert, assertEquals } from "@std/assert";
import { Redis } from "ioredis";
import { Interests } from "../../../adapters/redis_cluster/subscribing/interests.ts";
import { ClusterLink, type PubSub } from "../../../adapters/redis_cluster/link.ts";
import { Subscriber } from "../../../adapters/redis_cluster/subscribing/subscriber.ts";
import { FakeClock } from "../../fake_clock.ts";
import { test, waitFor } from "../../harness.ts";
import { Random } from "../../load/random.ts";
import { type ScriptedNode, startScriptedNode } from "./scripted_node.ts";

const ANSWER_MS = 1_000;

class Scene implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly told: string[] = [];
  readonly gaps: string[] = [];
  readonly node: ScriptedNode;
  readonly subscriber: Subscriber;

  constructor(node: ScriptedNode, mode: PubSub = "sharded") {
    this.node = node;
    const redis = { host: "127.0.0.1", port: node.port };
    this.subscriber = new Subscriber({
      clock: this.clock,
      connectTimeoutMs: 1_000,
      answerMs: ANSWER_MS,
      connect: (events) => new ClusterLink({ Redis, redis, mode, name: "test" }, events),
      onMessage: () => {},
      onMoved: ({ slot }) => void this.told.push(`${slot} moved`),
      onTrouble: () => {},
      onLost: (cause) => void this.told.push(`lost: ${(cause as Error).message}`),
      onRefused: (error) => void this.told.push(`refused: ${error.message}`),
      onFailure: () => "unreachable",
    });
  }

  /** A partition on the node, with these channels and that of probes. */
  async partition(slot: number, ...channels: string[]): Promise<Interests> {
    const interests = new Interests({
      slot,
      probe: `{${slot}}probe`,
      directory: new Map(),
      clock: this.clock,
      onChange: () => {},
      onGap: (channels) => void this.gaps.push(`${slot} ${channels}`),
    });
    interests.moveTo(this.subscriber);
    await Promise.all(channels.map((channel) => interests.subscribe(channel, `{${slot}}${channel}`)));
    return interests;
  }

  /** Does something when the node is about to read a command of this name. */
  once(command: string, what: () => void): void {
    this.node.before = (name) => {
      if (name !== command) return;
      this.node.before = () => {};
      what();
    };
  }

  /** Waits until the node has these subscriptions. */
  async has(...names: string[]): Promise<void> {
    const wanted = names.sort().join();
    await waitFor(() => [...this.node.channels].sort().join() === wanted || Promise.reject(this.said), {
      what: `the subscriptions ${wanted}`,
    });
  }

  get said(): Error {
    return new Error(`${[...this.node.channels].join()} after ${this.node.commands.join(" ")}; ${this.told}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.subscriber.close();
  }
}

test("redis-cluster: a leave that crosses with the node's own end of the subscriptions is no outage", async () => {
  await using node = await startScriptedNode();
  await using scene = new Scene(node);
  const moving = await scene.partition(7, "a", "b");
  const resting = await scene.partition(8, "a");
  scene.once("sunsubscribe", () => node.lose(7));
  await scene.subscriber.release(moving);
  assertEquals(scene.told, []);
  // The answers match again.
  await resting.subscribe("b", "{8}b");
  await scene.has("{8}a", "{8}b", "{8}probe");
  assertEquals([scene.told, node.connections, resting.broken], [[], 1, false]);
});

test("redis-cluster: a channel that is left while its slot leaves the node is no outage for the others", async () => {
  await using node = await startScriptedNode();
  await using scene = new Scene(node);
  const moving = await scene.partition(7, "a", "b", "c");
  await scene.partition(8, "a");
  // The node ends more subscriptions than the command names.
  scene.once("sunsubscribe", () => node.lose(7));
  await moving.unsubscribe("{7}a");
  await waitFor(() => scene.told.length > 0, { what: "the move" });
  await scene.subscriber.release(moving);
  await scene.has("{8}a", "{8}probe");
  assertEquals([new Set(scene.told), node.connections], [new Set(["7 moved"]), 1]);
});

test("redis-cluster: several partitions that leave a node at once do so over the same connection", async () => {
  await using node = await startScriptedNode();
  await using scene = new Scene(node);
  const many = Array.from({ length: 700 }, (_, i) => `c${i}`); // more than go in one command
  const leaving = [await scene.partition(7, ...many), await scene.partition(9, "a")];
  leaving.push(await scene.partition(10, "a"));
  await scene.partition(8, "a");
  // The first refusal looks like the answer to the last command, the others like answers to none.
  scene.once("sunsubscribe", () => {
    node.lose(9);
    node.lose(7);
  });
  await Promise.all(leaving.map((one) => scene.subscriber.release(one)));
  await scene.has("{8}a", "{8}probe");
  assertEquals([scene.told, node.connections], [[], 1]);
});

test("redis-cluster: a connection that ends before the last answer to a leave is replaced at once", async () => {
  await using node = await startScriptedNode();
  await using scene = new Scene(node);
  const moving = await scene.partition(7, "a");
  const resting = await scene.partition(8, "a");
  scene.once("sunsubscribe", () => {
    node.lose(7);
    scene.once("ping", () => node.hangUp());
  });
  await scene.subscriber.release(moving);
  assertEquals(scene.told.length, 1);
  assert(scene.told[0]!.startsWith("lost: "), scene.told[0]);
  // Sooner than an answer may take.
  let waited = 0;
  await waitFor(() => {
    if (node.connections === 1 && (waited += 5) < ANSWER_MS) scene.clock.advance(5);
    return !resting.broken && node.channels.size === 2;
  }, { what: "the new connection" });
  assertEquals(node.connections, 2);
});

test("redis-cluster: an answer too many that nothing explains ends the connection", async () => {
  await using node = await startScriptedNode();
  await using scene = new Scene(node);
  const moving = await scene.partition(7, "a");
  // A refusal of a slot that was not left.
  scene.once("sunsubscribe", () => {
    node.lose(7);
    node.say("-MOVED 1 127.0.0.1:1\r\n");
  });
  await scene.subscriber.release(moving);
  assertEquals(scene.told, ["lost: MOVED 1 127.0.0.1:1"]);
});

test("redis-cluster: channels whose slot left the node and came back may have missed messages, and no others", async () => {
  await using node = await startScriptedNode();
  await using scene = new Scene(node);
  const away = await scene.partition(7, "a", "b");
  await scene.partition(8, "a", "b");
  node.lose(7);
  node.regain(7);
  await scene.has("{7}a", "{7}b", "{7}probe", "{8}a", "{8}b", "{8}probe");
  await waitFor(() => scene.gaps.length > 0, { what: "the gap" });
  await away.subscribe("c", "{7}c");
  assertEquals([scene.gaps, scene.told, node.connections], [["7 a,b"], [], 1]);
});

test("redis-cluster: channels that were away while they were subscribed again may have missed messages, and no others", async () => {
  await using node = await startScriptedNode();
  await using scene = new Scene(node);
  await scene.partition(7, "a");
  const other = await scene.partition(8, "a");
  await scene.partition(9, "a");
  // All are subscribed again because of the other one; before the node reads that, this one is away and back.
  scene.once("ssubscribe", () => {
    node.lose(7);
    node.regain(7);
  });
  node.lose(8);
  node.regain(8);
  await waitFor(() => scene.gaps.length > 1, { what: "both gaps" });
  await other.subscribe("b", "{8}b");
  assertEquals([scene.gaps.sort(), scene.told], [["7 a", "8 a"], []]);
});

test("redis-cluster: a slot of many channels that leaves a node costs one look at all subscriptions, not one each", async () => {
  await using node = await startScriptedNode();
  await using scene = new Scene(node);
  const many = Array.from({ length: 400 }, (_, i) => `c${i}`);
  await scene.partition(7, ...many);
  let [dropped, ended] = [0, 0];
  const resting = await scene.partition(8, ...many);
  const { dropped: drop } = resting;
  resting.dropped = (...args) => (dropped++, drop.apply(resting, args));
  node.lose(7);
  await waitFor(() => scene.told.length > 0, { what: "the move" });
  ended = dropped;
  assert(ended >= 401 && ended < 20 * 401, `looked at ${ended} subscriptions`);
});

for (let seed = 1; seed <= 6; seed++) {
  test(`redis-cluster: slots that come and go between any two commands never cost the connection, seed ${seed}`, async () => {
    await using node = await startScriptedNode();
    await using scene = new Scene(node);
    const random = new Random(seed);
    const slots = [7, 8, 9];
    const partitions = await Promise.all(slots.map((slot) => scene.partition(slot, "a")));
    const served = new Set(partitions);
    node.before = () => {
      if (random.oneIn(3)) node.lose(random.pick(slots));
      if (random.oneIn(3)) node.regain(random.pick(slots));
    };
    for (let step = 0; step < 300; step++) {
      const interests = random.pick(partitions);
      const name = `{${interests.slot}}${random.pick(["b", "c", "d"])}`;
      if (random.oneIn(5)) {
        if (served.delete(interests)) interests.moveTo(undefined);
        else interests.moveTo((served.add(interests), scene.subscriber));
      } else if (interests.wants(name)) void interests.unsubscribe(name);
      else void interests.subscribe(name.slice(3), name).catch(() => {});
      if (random.oneIn(2)) await new Promise((resolve) => setTimeout(resolve, 0));
      scene.clock.advance(3);
    }
    node.before = () => {};
    for (const slot of slots) node.regain(slot);
    const wanted = [...served].flatMap((interests) => [...interests.names]).sort().join();
    await waitFor(() => {
      scene.clock.advance(20);
      return [...node.channels].sort().join() === wanted || Promise.reject(scene.said);
    }, { what: wanted });
    assertEquals([scene.told.filter((text) => !/^\d moved$/.test(text)), node.connections], [[], 1]);
  });
}

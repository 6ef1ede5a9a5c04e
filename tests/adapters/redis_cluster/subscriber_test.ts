import { assert, assertEquals } from "@std/assert";
import { Interests } from "../../../adapters/redis_cluster/subscribing/interests.ts";
import type { ClusterLink, ClusterLinkEvents } from "../../../adapters/redis_cluster/link.ts";
import { Subscriber } from "../../../adapters/redis_cluster/subscribing/subscriber.ts";
import { FakeClock } from "../../fake_clock.ts";
import { test, waitFor } from "../../harness.ts";

/** A connection that answers as it is told to: real shards do not misbehave on demand. */
class ScriptedLink {
  readonly ready = Promise.resolve();
  readonly commands: string[] = [];
  readonly events: ClusterLinkEvents;
  destroyed = false;
  /** The result of the next commands. */
  answers: (Promise<void> | Error)[] = [];
  /** What a node that ends none of them has. */
  readonly channels = { has: () => true };
  /** The result of pings. */
  pong: Promise<void> = Promise.resolve();

  constructor(events: ClusterLinkEvents) {
    this.events = events;
  }

  subscribe(names: readonly string[]): Promise<void> {
    return this.#answer(`+${names.join()}`);
  }

  async unsubscribe(groups: readonly (readonly string[])[]): Promise<readonly Error[]> {
    const commands = await Promise.allSettled(groups.map((names) => this.#answer(`-${names.join()}`)));
    await this.pong;
    return commands.flatMap((one) => one.status === "rejected" ? [one.reason] : []);
  }

  ping(): Promise<void> {
    return this.pong;
  }

  destroy(): Promise<void> {
    this.destroyed = true;
    return Promise.resolve();
  }

  async #answer(command: string): Promise<void> {
    this.commands.push(command);
    const answer = this.answers.shift();
    if (answer instanceof Error) throw answer;
    await answer;
  }
}

function scene() {
  const clock = new FakeClock();
  const links: ScriptedLink[] = [];
  /** What the next connection answers. */
  const next: ScriptedLink["answers"] = [];
  const told: string[] = [];
  const subscriber = new Subscriber({
    clock,
    connectTimeoutMs: 1_000,
    answerMs: 1_000,
    connect(events) {
      const link = new ScriptedLink(events);
      link.answers = next.splice(0);
      links.push(link);
      return link as unknown as ClusterLink;
    },
    onMessage: () => {},
    onMoved: ({ slot, address }) => void told.push(`${slot} moved to ${address}`),
    onTrouble: () => {},
    onLost: (cause) => void told.push(`lost: ${(cause as Error).message}`),
    onRefused: (error) => void told.push(`refused: ${error.message}`),
    onFailure: () => "unreachable",
  });
  const partition = (slot: number) =>
    new Interests({
      slot,
      probe: `probe-${slot}`,
      directory: new Map(),
      clock,
      onChange: () => {},
      onGap: (channels) => void told.push(`gap ${channels.join()}`),
    });
  return { clock, links, next, told, subscriber, partition };
}

/** Lets everything run that waits for nothing but its turn. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 0));

async function subscribed(slot = 7) {
  const all = scene();
  const interests = all.partition(slot);
  interests.moveTo(all.subscriber);
  const live = interests.subscribe("a", "A");
  await live;
  return { ...all, interests, link: all.links[0]! };
}

test("redis-cluster: the requests of one turn go in one command, and joins never go together with leaves", async () => {
  await using stack = new AsyncDisposableStack();
  const { subscriber, interests, link } = await subscribed();
  stack.defer(() => subscriber.close());
  assertEquals(link.commands, ["+probe-7,A"]);
  const held = Promise.withResolvers<void>();
  link.pong = held.promise;
  const joins = ["b", "c"].map((channel) => interests.subscribe(channel, channel.toUpperCase()));
  await Promise.all(joins);
  const left = interests.unsubscribe("A");
  const joined = interests.subscribe("d", "D");
  await settle();
  assertEquals(link.commands.slice(1), ["+B,C"]);
  held.resolve();
  await Promise.all([left, joined]);
  assertEquals(link.commands.slice(2), ["-A", "+D"]);
});

test("redis-cluster: subscriptions that a shard may have ended are asked for again, and are lost when that takes too long", async () => {
  await using stack = new AsyncDisposableStack();
  const { clock, subscriber, interests, link, told } = await subscribed();
  stack.defer(() => subscriber.close());
  const held = Promise.withResolvers<void>();
  link.answers = [held.promise];
  link.events.onEvicted();
  await settle();
  // In doubt for a moment is no outage.
  assertEquals([link.commands.at(-1), interests.broken], ["+probe-7,A", false]);
  clock.advance(500);
  held.resolve();
  await settle();
  clock.advance(500); // its answer came in time
  assertEquals(interests.broken, false);
  // Ended again while the answer was under way: that answer says nothing.
  const [second, third] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  link.answers = [second.promise, third.promise];
  link.events.onEvicted();
  await settle();
  link.events.onEvicted();
  second.resolve();
  await settle();
  assertEquals(link.commands.length, 4);
  third.resolve();
  await settle();
  assertEquals([interests.broken, told], [false, []]);
  link.answers = [new Error("TRYAGAIN later")];
  link.events.onEvicted();
  await settle();
  assertEquals(interests.broken, false);
  link.answers = Array.from({ length: 20 }, () => new Error("TRYAGAIN later"));
  for (let i = 0; i < 20; i++) {
    clock.advance(100);
    await settle();
  }
  assertEquals(interests.broken, true);
});

test("redis-cluster: channels that a shard refuses to renew for now may have missed messages, whatever happens until they are live", async () => {
  const happenings: ((link: ScriptedLink) => void)[] = [
    () => {},
    ({ events }) => events.onEvicted(),
    ({ events }) => events.onLost(new Error("it is gone")),
  ];
  for (const happens of happenings) {
    await using stack = new AsyncDisposableStack();
    const { clock, subscriber, interests, link, links, told } = await subscribed();
    stack.defer(() => subscriber.close());
    link.answers = [new Error("TRYAGAIN later")];
    link.events.onEvicted();
    await settle();
    happens(link);
    const renewed = () => link.commands.length === 3 || links.length === 2;
    await waitFor(() => (clock.advance(10), renewed()), { what: "another subscribe" });
    await settle();
    assertEquals([told.at(-1), interests.broken], ["gap a", false]);
  }
});

test("redis-cluster: a slot that has moved is reported, and the partition let go at once", async () => {
  await using stack = new AsyncDisposableStack();
  const { subscriber, interests, link, told } = await subscribed();
  const next = scene();
  stack.defer(async () => void await Promise.all([subscriber.close(), next.subscriber.close()]));
  link.answers = [new Error("MOVED 7 127.0.0.1:2"), new Error("MOVED 7 127.0.0.1:2")];
  const live = interests.subscribe("b", "B");
  await waitFor(() => told.length > 0);
  assertEquals(told, ["7 moved to 127.0.0.1:2"]);
  interests.moveTo(next.subscriber);
  await live;
  assertEquals([link.commands.at(-1), next.links[0]!.commands], ["-probe-7,A", ["+probe-7,A,B"]]);
});

test("redis-cluster: answers to other questions end the connection, and the next one has all subscriptions", async () => {
  await using stack = new AsyncDisposableStack();
  const { subscriber, interests, links, link, told, clock } = await subscribed();
  stack.defer(() => subscriber.close());
  // Of a slot that was not asked for.
  link.answers = [new Error("MOVED 1 127.0.0.1:2")];
  const live = interests.subscribe("b", "B");
  await waitFor(() => link.destroyed);
  assertEquals(told, ["lost: its answers do not match its commands"]);
  await waitFor(() => (clock.advance(10), links.length === 2));
  await live;
  assertEquals([links[1]!.commands, interests.broken], [["+probe-7,A,B"], false]);
});

test("redis-cluster: a connection that answers but delivers nothing is found out and replaced", async () => {
  await using stack = new AsyncDisposableStack();
  const { subscriber, interests, links, link, told, clock } = await subscribed();
  stack.defer(() => subscriber.close());
  const probes: string[] = [];
  const publish = (channel: string, token: string) => {
    probes.push(channel);
    if (probes.length === 1) subscriber.probed(token);
    return Promise.resolve(true);
  };
  await subscriber.check(publish);
  assertEquals(told, []);
  const check = subscriber.check(publish);
  await settle();
  clock.advance(1_001);
  clock.advance(1);
  await check;
  assertEquals([probes, told], [["probe-7", "probe-7"], [
    "lost: it answers, but delivers nothing within 1000 ms",
  ]]);
  assert(interests.broken);
  await waitFor(() => (clock.advance(10), links.length === 2 && !interests.broken));
  assert(link.destroyed);
});

test("redis-cluster: a connection that does not answer is given up, and its waiters wait for the next one", async () => {
  await using stack = new AsyncDisposableStack();
  const { subscriber, interests, links, link, told, clock } = await subscribed();
  stack.defer(() => subscriber.close());
  const silence = new Promise<void>(() => {});
  link.pong = silence;
  link.answers = [silence];
  const live = interests.subscribe("b", "B");
  await settle();
  clock.advance(1_001);
  clock.advance(1);
  await waitFor(() => told.length > 0);
  assertEquals(told, ["lost: it does not answer within 1000 ms"]);
  await waitFor(() => (clock.advance(10), links.length === 2));
  await live;
});

test("redis-cluster: a subscribe whose connection is lost meanwhile goes live on the next one; if the server refuses one, only that one rejects", async () => {
  await using stack = new AsyncDisposableStack();
  const { subscriber, interests, links, link, clock } = await subscribed();
  stack.defer(() => subscriber.close());
  link.answers = [new Error("Connection is closed.")];
  const live = interests.subscribe("b", "B");
  await waitFor(() => link.destroyed);
  await waitFor(() => (clock.advance(10), links.length === 2));
  await live;
  const refused = new Error("NOPERM this user has no permissions to access one of the channels");
  links[1]!.answers = [refused, Promise.resolve(), refused];
  const outcomes = await Promise.allSettled(
    ["c", "d"].map((one) => interests.subscribe(one, one.toUpperCase())),
  );
  assertEquals(outcomes.map(({ status }) => status), ["fulfilled", "rejected"]);
  assertEquals([interests.wants("C"), interests.wants("D"), interests.broken], [true, false, false]);
});

test("redis-cluster: a channel that was live and is refused now is told once and is no outage, and is told when it is back", async () => {
  const refusal = new Error("NOPERM no permissions");
  for (const isLost of [true, false]) {
    await using stack = new AsyncDisposableStack();
    const { subscriber, interests, links, link, next, told, clock } = await subscribed();
    stack.defer(() => subscriber.close());
    // The whole command is refused, and then one channel of it, again and again.
    const answers = [refusal, Promise.resolve(), refusal, refusal, refusal];
    if (isLost) {
      next.push(...answers);
      link.events.onLost(new Error("it is gone"));
    } else {
      link.answers = answers;
      link.events.onEvicted();
    }
    const refused = () => told.filter((one) => one.startsWith("refused"));
    await waitFor(() => (clock.advance(1), refused().length > 0));
    assertEquals([links.length, interests.settled], [isLost ? 2 : 1, true]);
    await waitFor(() => (clock.advance(10), told.at(-1) === "gap a"));
    assertEquals([refused(), links.at(-1)!.answers], [["refused: NOPERM no permissions"], []]);
  }
});

test("redis-cluster: channels that have moved are told even if the last one on its way is left or refused", async () => {
  for (const ends of ["left", "refused"]) {
    await using stack = new AsyncDisposableStack();
    const { subscriber, interests, link, told, clock } = await subscribed();
    stack.defer(() => subscriber.close());
    await interests.subscribe("b", "B");
    const refusal = new Error("NOPERM no permissions");
    const last = Promise.withResolvers<void>();
    const live = Promise.resolve();
    link.answers = [new Error("TRYAGAIN later"), refusal, live, live, last.promise];
    link.events.onEvicted();
    await waitFor(() => (clock.advance(5), link.answers.length === 0));
    await settle();
    assertEquals(told, []);
    const left = ends === "left" && interests.unsubscribe("B");
    last.reject(refusal);
    await left;
    await waitFor(() => told.includes("gap a"));
    assertEquals(interests.settled, true);
  }
});

test("redis-cluster: closing ends every wait", async () => {
  const { subscriber, interests, link, clock } = await subscribed();
  void subscriber.check(() => Promise.resolve(true));
  link.answers = [new Promise(() => {})];
  const left = interests.unsubscribe("A");
  await settle();
  interests.close(new Error("closed"));
  await subscriber.close();
  await left;
  await waitFor(() => clock.pending <= 1);
});

test("redis-cluster: a partition that moves on while its first subscribe is under way begins elsewhere only after that, and is no outage", async () => {
  await using stack = new AsyncDisposableStack();
  const { subscriber, partition, link } = await subscribed(8);
  const next = scene();
  stack.defer(async () => void await Promise.all([subscriber.close(), next.subscriber.close()]));
  const interests = partition(7);
  interests.moveTo(subscriber);
  const held = Promise.withResolvers<void>();
  link.answers = [held.promise];
  const live = interests.subscribe("b", "B");
  await waitFor(() => link.answers.length === 0);
  interests.moveTo(next.subscriber);
  await settle();
  assertEquals(next.links.length, 0);
  held.resolve();
  await live;
  await waitFor(() => next.links[0]?.commands.length === 1 && link.commands.length === 3);
  await settle();
  assertEquals(link.commands.slice(1), ["+probe-7,B", "-probe-7,B"]);
  assertEquals([interests.home === next.subscriber, interests.broken], [true, false]);
});

test("redis-cluster: a channel that is left while its subscribe is refused is left", async () => {
  await using stack = new AsyncDisposableStack();
  const { subscriber, interests, link } = await subscribed();
  stack.defer(() => subscriber.close());
  for (const refusal of ["MOVED 7 127.0.0.1:2", "NOPERM no permissions"]) {
    const held = Promise.withResolvers<void>();
    link.answers = [held.promise];
    const live = interests.subscribe("b", "B").catch(() => {});
    await waitFor(() => link.answers.length === 0);
    const left = interests.unsubscribe("B");
    held.reject(new Error(refusal));
    await Promise.all([live, left]);
  }
});

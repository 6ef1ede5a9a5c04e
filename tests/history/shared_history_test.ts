import { assert, assertEquals } from "@std/assert";
import { createMemoryHistory, type Recovery, type TopicMeta } from "@trunkline/hub";
import type { HistoryContext, HistoryStore } from "@trunkline/hub/adapters/history-store";
import { FakeClock } from "../fake_clock.ts";
import { waitFor } from "../harness.ts";
import type { Member, Node } from "../hub/chat.ts";
import { empty, testOnAdapters } from "../hub/cluster.ts";
import { linksTo } from "../hub/rig.ts";
import { codeOf, rejection } from "../hub/wires.ts";
import { Random } from "../load/random.ts";
import { laterStore } from "./later_store.ts";

/** Follows a topic; `back` resolves when it has come back so often. */
async function followed(client: Member, topic: `log/${string}` = "log/x") {
  const heard: number[] = [];
  const metas: TopicMeta[] = [];
  const recoveries: Recovery[] = [];
  const sub = client.subscribe(topic, ({ n }, meta) => void (heard.push(n), metas.push(meta)), {
    onRecovery: (recovery) => recoveries.push(recovery),
  });
  await sub.ready;
  const back = (times: number) => waitFor(() => recoveries.length >= times, { what: "the recovery" });
  return { heard, metas, recoveries, sub, back };
}

const follow = async (node: Node) => await followed(await node.member());

/** A store that answers at once, and one that answers later: a hub must not care. */
const STORES = [() => createMemoryHistory(), () => laterStore(createMemoryHistory())];

/** For hubs whose clock is moved by hand: only what a test is about falls due. */
const STILL = { heartbeatMs: 1e9, limits: { handshakeTimeoutMs: 1e9 } };

/** Lets time pass until something has come to its end. */
async function withTime<T>(clock: FakeClock, work: Promise<T>): Promise<T> {
  let settled = false;
  work.finally(() => settled = true).catch(() => {});
  await waitFor(() => {
    clock.advance(1_000);
    return settled;
  }, { what: "the end of it" });
  return await work;
}

testOnAdapters(
  "promise 4: positions are the same on every node, and a client resumes on any",
  async (start) => {
    for (const createStore of STORES) {
      await using cluster = await start(2, { history: createStore() });
      const [a, b] = cluster.nodes;
      const { url, transport, drop, back: isBack } = linksTo([a!, b!]);
      const client = await a!.member(undefined, { url, transport });
      const { heard, metas, recoveries, back } = await followed(client);
      const positions = [];
      for (let n = 1; n <= 6; n++) {
        positions.push(await (n % 2 ? a! : b!).hub.publish("log/x", { n }));
        if (n === 2) await waitFor(() => heard.length === 2, { what: "the first two" });
        if (n === 2) await drop(client);
      }
      assertEquals(await a!.hub.position("log/x"), await b!.hub.position("log/x"));
      assertEquals(await a!.hub.history("log/x"), await b!.hub.history("log/x"));
      await isBack(client, b!);
      await back(1);
      assertEquals(client.nodeId, b!.hub.nodeId);
      await a!.hub.publish("log/x", { n: 7 });
      await waitFor(() => heard.length === 7, { what: "everything" });
      assertEquals([heard, recoveries], [[1, 2, 3, 4, 5, 6, 7], [{ topic: "log/x", recovered: true }]]);
      assertEquals(metas.slice(0, 6).map(({ offset, epoch }) => ({ epoch, offset })), positions as unknown[]);
      assertEquals(metas.map(({ recovered }) => recovered), [false, false, true, true, true, true, false]);
      assertEquals([a!.errors, b!.errors], [[], []]);
    }
  },
);

testOnAdapters(
  "promise 4: messages that the backplane loses are read from the store and delivered in order",
  async (start) => {
    for (const createStore of STORES) {
      await using cluster = await start(2, { history: createStore() });
      const [a, b] = cluster.nodes;
      const [here, there] = [await follow(a!), await follow(b!)];
      await a!.hub.publish("log/x", { n: 1 });
      await waitFor(() => there.heard.length === 1, { what: "the first" });
      b!.tap.cut();
      for (let n = 2; n <= 5; n++) await a!.hub.publish("log/x", { n });
      await waitFor(() => b!.tap.dropped.length > 0, { what: "the loss" });
      b!.tap.heal();
      await a!.hub.publish("log/x", { n: 6 });
      await waitFor(() => there.heard.length === 6, { what: "everything" });
      for (const { heard, recoveries } of [here, there]) {
        assertEquals([heard, recoveries], [[1, 2, 3, 4, 5, 6], []]);
      }
    }
  },
);

testOnAdapters(
  "promise 4: after a break of the backplane no message is missing, and no gap is reported",
  async (start) => {
    await using cluster = await start(2, { history: laterStore(createMemoryHistory()) });
    const [a, b] = cluster.nodes;
    const there = await follow(b!);
    b!.tap.lose();
    for (let n = 1; n <= 3; n++) await a!.hub.publish("log/x", { n });
    await b!.hub.publish("log/x", { n: 4 }); // its own messages follow the order of the store
    await waitFor(() => there.heard.length === 4, { what: "what the store has" });
    await a!.hub.publish("log/x", { n: 5 });
    b!.tap.heal();
    await waitFor(() => there.heard.length === 5, { what: "what was missed" });
    assertEquals([there.heard, there.recoveries], [[1, 2, 3, 4, 5], []]);
  },
);

testOnAdapters(
  "promise 4: a last message that gets lost is noticed without another one",
  async (start) => {
    const clock = new FakeClock();
    const history = createMemoryHistory();
    await using cluster = await start(2, { ...STILL, clock, history });
    const [a, b] = cluster.nodes;
    const { heard } = await follow(b!);
    b!.tap.cut();
    await a!.hub.publish("log/x", { n: 1 });
    await waitFor(() => b!.tap.dropped.length > 0, { what: "the loss" });
    b!.tap.heal();
    clock.advance(10_000);
    await waitFor(() => heard.length === 1, { what: "the message" });
  },
);

testOnAdapters(
  "shared history: a store that is down is an error to the publisher, and nothing is delivered",
  async (start) => {
    const history = laterStore(createMemoryHistory());
    const clock = new FakeClock();
    await using cluster = await start(2, { ...STILL, clock, history });
    const [a, b] = cluster.nodes;
    const [here, there] = [await follow(a!), await follow(b!)];
    history.state = "down";
    const error = await rejection(a!.hub.publish("log/x", { n: 1 }));
    assertEquals(error.code, "UNCERTAIN"); // an error of the store's own says nothing of the message
    assert(/"log\/x" in later .*same id/.test(error.message), error.message);
    assertEquals(await codeOf(() => a!.hub.history("log/x")), "UNAVAILABLE");
    assertEquals(await codeOf(() => a!.hub.position("log/x")), "UNAVAILABLE");
    history.state = "hangs";
    const late = a!.hub.publish("log/x", { n: 2 });
    assertEquals(await codeOf(() => withTime(clock, late)), "UNCERTAIN");
    assertEquals([here.heard, there.heard], [[], []]);
    history.release(); // it has stored the message after all: then all subscribers get it
    await waitFor(() => here.heard.length + there.heard.length === 2, { what: "what was kept" });
    await b!.hub.publish("log/x", { n: 3 });
    await waitFor(() => here.heard.length + there.heard.length === 4, { what: "the next" });
    for (const { heard, recoveries } of [here, there]) assertEquals([heard, recoveries], [[2, 3], []]);
    a!.hub.publish("stats", { n: 1 }); // topics without history do not know of the store
  },
);

testOnAdapters(
  "shared history: a client that subscribes while the store is down is refused, and is not left half subscribed",
  async (start) => {
    const history = laterStore(createMemoryHistory());
    const clock = new FakeClock();
    await using cluster = await start(1, { ...STILL, clock, history });
    const [a] = cluster.nodes;
    const client = await a!.member();
    for (const state of ["down", "hangs"] as const) {
      history.state = state;
      const { ready } = client.subscribe("log/x", () => {});
      const code = state === "down" ? "UNAVAILABLE" : "TIMEOUT";
      assertEquals((await rejection(withTime(clock, ready))).code, code);
    }
    history.release();
    const { heard } = await followed(client);
    await a!.hub.publish("log/x", { n: 1 });
    await waitFor(() => heard.length === 1, { what: "the message" });
    await client.close();
    await empty(a!);
  },
);

testOnAdapters("shared history: nodes with different histories report this, and go on", async (start) => {
  await using cluster = await start(1, { history: createMemoryHistory() });
  const b = await cluster.add({ history: createMemoryHistory() });
  const c = await cluster.add({ history: undefined });
  const [a] = cluster.nodes;
  const { heard } = await follow(a!);
  await b.hub.publish("log/x", { n: 1 });
  await waitFor(() => a!.errors.length === 1, { what: "the report of a strange epoch" });
  await c.hub.publish("log/x", { n: 2 });
  await waitFor(() => a!.errors.length === 2, { what: "the report of a node without the store" });
  for (const { error } of a!.errors) assert(String(error).includes("same history"), String(error));
  await a!.hub.publish("log/x", { n: 3 });
  await waitFor(() => heard.includes(3), { what: "its own" });
});

testOnAdapters(
  "shared history: the same id is kept and delivered once, whichever node publishes it",
  async (start) => {
    for (const history of [undefined, createMemoryHistory(), laterStore(createMemoryHistory())]) {
      await using cluster = await start(2, { history });
      const [a, b] = cluster.nodes;
      const { heard, recoveries } = await follow(a!);
      const first = await a!.hub.publish("log/x", { n: 1 }, { id: "order 7" });
      const again = history ? b! : a!;
      assertEquals(await again.hub.publish("log/x", { n: 1 }, { id: "order 7" }), first);
      await b!.hub.publish("log/x", { n: 2 }, { id: "order 8" });
      await waitFor(() => heard.length === 2, { what: "both" });
      await a!.hub.publish("log/x", { n: 3 });
      await waitFor(() => heard.length === 3, { what: "all" });
      assertEquals([heard, recoveries], [[1, 2, 3], []]);
    }
  },
);

testOnAdapters(
  "shared history: more than can wait for the store is refused at the publisher",
  async (start) => {
    const history = laterStore(createMemoryHistory());
    await using cluster = await start(1, { history });
    const [a] = cluster.nodes;
    history.state = "hangs";
    const publishes = Array.from({ length: 10_000 }, (_, n) => a!.hub.publish("log/x", { n }));
    assertEquals(await codeOf(() => a!.hub.publish("log/x", { n: -1 })), "UNAVAILABLE");
    history.release();
    const offsets = (await Promise.all(publishes)).map(({ offset }) => offset);
    assertEquals(offsets, offsets.map((_, i) => i + 1));
    assertEquals((await a!.hub.publish("log/x", { n: 0 })).offset, 10_001);
  },
);

testOnAdapters(
  "shared history: a hub that closes lets its last messages get to the store and to the others",
  async (start) => {
    const history = laterStore(createMemoryHistory());
    await using cluster = await start(2, { history });
    const [a, b] = cluster.nodes;
    const { heard } = await follow(b!);
    history.state = "hangs";
    const published = a!.hub.publish("log/x", { n: 1 });
    const closed = a!.hub.close();
    history.release();
    await Promise.all([published, closed]);
    await waitFor(() => heard.length === 1, { what: "the last message" });
  },
);

testOnAdapters(
  "promise 4: whatever is lost on the way, every subscriber gets the messages in the order of the store",
  async (start) => {
    const random = new Random(7);
    const history = laterStore(createMemoryHistory());
    await using cluster = await start(3, { history });
    const followers = await Promise.all(cluster.nodes.map((node) => follow(node)));
    let n = 0;
    for (let round = 0; round < 30; round++) {
      const node = cluster.nodes[random.below(3)]!;
      if (random.oneIn(2)) node.tap.cut();
      const publishes = Array.from({ length: 1 + random.below(4) }, () => {
        const publisher = cluster.nodes[random.below(3)]!;
        return publisher.hub.publish("log/x", { n: ++n });
      });
      await Promise.all(publishes);
      node.tap.heal();
      // No more is missed than the history keeps.
      cluster.nodes[random.below(3)]!.hub.publish("log/x", { n: ++n });
      for (const { hub } of cluster.nodes) await hub.publish("log/x", { n: ++n });
      await waitFor(() => followers.every(({ heard }) => heard.length === n), { what: `all ${n} messages` });
    }
    const [{ heard }] = followers as [typeof followers[number]];
    assertEquals([...heard].sort((x, y) => x - y), Array.from({ length: n }, (_, i) => i + 1));
    for (const follower of followers) {
      assertEquals([follower.heard, follower.recoveries], [heard, []]);
      assertEquals(follower.metas.map(({ offset }) => offset), heard.map((_, i) => i + 1));
    }
  },
);

testOnAdapters(
  "shared history: messages of a store that publishes by itself are delivered, in whatever order they arrive",
  async (start) => {
    const contexts: HistoryContext[] = [];
    const memory = createMemoryHistory();
    const waiting: (() => void)[] = [];
    const history: HistoryStore = {
      name: "publishing",
      publishes: true,
      open: (context) => void contexts.push(context),
      read: (channel, options) => memory.read(channel, options),
      append(channel, data, options) {
        const position = memory.append(channel, data, options);
        for (const context of contexts) waiting.push(() => context.deliver(channel, position, data, "a"));
        return position;
      },
      close: (nodeId) => void contexts.splice(contexts.findIndex((context) => context.nodeId === nodeId), 1),
    };
    await using cluster = await start(2, { history });
    const [a, b] = cluster.nodes;
    const [here, there] = [await follow(a!), await follow(b!)];
    for (let n = 1; n <= 4; n++) await a!.hub.publish("log/x", { n });
    assertEquals(a!.tap.publishedOn("topic:"), []);
    for (const deliver of waiting.reverse()) deliver();
    for (const deliver of waiting) deliver(); // and again
    contexts[1]!.deliver("topic:log/x", [(await b!.hub.position("log/x")).epoch, 5], "{", "a");
    await waitFor(() => there.heard.length === 4 && here.heard.length === 4, { what: "all four" });
    for (const { heard } of [here, there]) assertEquals(heard, [1, 2, 3, 4]);
    assertEquals(b!.errors.map(({ info }) => info.stage), ["delivery"]);
    assertEquals(there.recoveries, [{ topic: "log/x", recovered: false }]); // of the one that is no message
    await a!.hub.close();
    assertEquals(contexts.length, 1);
  },
);

testOnAdapters(
  "histories: a topic that has history on one node only is reported, not lost in silence",
  async (start) => {
    for (const history of ["per-node", createMemoryHistory()] as const) {
      await using cluster = await start(1, { history });
      const [a] = cluster.nodes;
      const { heard } = await follow(a!);
      a!.tap.inject("topic:log/x", JSON.stringify([["pub", { n: 1 }]]));
      const shared = [["rec", "e", 1]], own = [["own", "e", 1], ["once", "e", 2, "id"]];
      const [ours, theirs] = history === "per-node" ? [own, shared] : [shared, own];
      // Of each pair of channels, one for each kind: the second error of a channel is only counted.
      for (const [i, head] of ours.entries()) {
        a!.tap.inject(["topic:stats", "topic:ticker/x"][i]!, JSON.stringify([[...head, { n: 1 }]]));
      }
      for (const [i, head] of theirs.entries()) {
        a!.tap.inject(["topic:log/y", "topic:log/z"][i]!, JSON.stringify([[...head, { n: 1 }]]));
      }
      assertEquals([heard.length, a!.errors.length], [0, 4]);
    }
  },
);

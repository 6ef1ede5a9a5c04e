import { assert, assertEquals, assertNotEquals } from "@std/assert";
import type { Recovery, TopicMeta } from "@trunkline/hub";
import { FakeClock } from "../fake_clock.ts";
import { waitFor } from "../harness.ts";
import type { Member, Node } from "../hub/chat.ts";
import { testOnAdapters } from "../hub/cluster.ts";
import { linksTo } from "../hub/rig.ts";
import { microtasks, turn } from "../hub/wires.ts";

/** A member that follows a topic with history. Its link can be cut. */
async function follow(node: Node, topic: `log/${string}` = "log/x") {
  const line = node.loopback.client();
  const client = await node.member(undefined, { transport: line });
  const follower = await subscribed(client, topic);
  return { client, line, ...follower };
}

async function subscribed(client: Member, topic: `log/${string}`) {
  const heard: number[] = [];
  const metas: TopicMeta[] = [];
  const recoveries: Recovery[] = [];
  const sub = client.subscribe(topic, ({ n }, meta) => void (heard.push(n), metas.push(meta)), {
    onRecovery: (recovery) => recoveries.push(recovery),
  });
  await sub.ready;
  return { heard, metas, recoveries, sub };
}

/** Waits until a client that is away is back, and knows how complete it is. */
const back = (recoveries: Recovery[], times = 1) =>
  waitFor(() => recoveries.length >= times, { what: "the recovery" });

testOnAdapters(
  "promise 4: without history a message comes once to the present subscribers, never to later ones, and they are told",
  async (start) => {
    await using cluster = await start(2);
    const [a, b] = cluster.nodes;
    const followers = await Promise.all([a!, b!, b!].map(async (node) => {
      const line = node.loopback.client();
      const client = await node.member(undefined, { transport: line });
      const heard: string[] = [], recoveries: boolean[] = [];
      client.onOpen(() => void client.request("join", { room: "lobby" }));
      client.on("message", ({ text }) => void heard.push(`room ${text}`));
      client.on("dm", ({ text }) => void heard.push(`role ${text}`));
      const sub = client.subscribe("ticker/x", ({ price }, { offset, epoch }) => {
        heard.push(`topic ${price} ${offset} ${epoch}`);
      }, { onRecovery: ({ recovered }) => void recoveries.push(recovered) });
      await sub.ready;
      await client.request("join", { room: "lobby" });
      return { client, line, heard, recoveries };
    }));
    const [, there, away] = followers as [unknown, (typeof followers)[number], (typeof followers)[number]];
    const say = (n: number) => {
      a!.hub.publish("ticker/x", { price: n });
      a!.hub.room("lobby").broadcast("message", { room: "lobby", text: `${n}` });
      a!.hub.forRole("member").emit("dm", { text: `${n}` });
    };
    const all = (...numbers: number[]) =>
      numbers.flatMap((n) => [`topic ${n} undefined undefined`, `room ${n}`, `role ${n}`]).sort();
    say(1);
    await waitFor(() => followers.every(({ heard }) => heard.length === 3), { what: "the first" });
    away.line.refuse(true);
    away.line.sever();
    await waitFor(() => away.client.status === "reconnecting", { what: "the client to notice" });
    say(2);
    await waitFor(() => there.heard.length === 6, { what: "the second" });
    b!.tap.cut();
    say(3);
    const lost = () => b!.tap.dropped.filter(({ channel }) => /^(topic|room|role):/.test(channel)).length;
    await waitFor(() => lost() === 3, { what: "the loss" });
    b!.tap.heal();
    away.line.refuse(false);
    await waitFor(() => away.recoveries.length > 0, { what: "the recovery" });
    await away.client.request("join", { room: "lobby" });
    say(4);
    await waitFor(() => away.heard.length >= 6, { what: "what is live" });
    await waitFor(() => there.heard.length >= 9, { what: "what is live there" });
    const heard = followers.map(({ heard }) => heard.toSorted());
    assertEquals(heard, [all(1, 2, 3, 4), all(1, 2, 4), all(1, 4)]);
    assertEquals(followers.map(({ recoveries }) => recoveries), [[], [], [false]]);
  },
);

testOnAdapters(
  "promise 4: back on its node a client gets exactly its missed messages, in order, then the live ones",
  async (start) => {
    await using cluster = await start(2);
    const [a, b] = cluster.nodes;
    const { client, line, heard, metas, recoveries } = await follow(a!);
    const publish = (n: number) => (n % 2 ? a! : b!).hub.publish("log/x", { n });
    const arrived = (n: number) =>
      waitFor(async () => (await a!.hub.history("log/x")).last >= n, { what: `${n}` });
    let n = 0;
    for (let round = 1; round <= 5; round++) {
      await publish(++n);
      await arrived(n);
      line.refuse(true);
      line.sever();
      await waitFor(() => client.status === "reconnecting", { what: "the client to notice" });
      for (let missed = 0; missed < round; missed++) {
        await publish(++n);
        await arrived(n); // so that the order of both publishers is known
      }
      line.refuse(false);
      await publish(++n); // somewhere between away and live
      await arrived(n);
      await back(recoveries, round);
    }
    await publish(++n);
    await waitFor(() => heard.length >= n, { what: "everything" });
    assertEquals(heard, Array.from({ length: n }, (_, i) => i + 1));
    assertEquals(metas.map(({ offset }) => offset), heard);
    assertEquals(new Set(metas.map(({ epoch }) => epoch)).size, 1);
    assertEquals(recoveries, Array(5).fill({ topic: "log/x", recovered: true }));
    assert(
      metas.some(({ recovered }) => recovered) && metas[0]!.recovered === false && !metas.at(-1)!.recovered,
    );
  },
);

testOnAdapters(
  "promise 4: messages that are published during the replay come after it, once",
  async (start) => {
    await using cluster = await start(1);
    const [a] = cluster.nodes;
    const { client, line, heard, recoveries } = await follow(a!);
    const ROUNDS = 20;
    let n = 0;
    for (let round = 1; round <= ROUNDS; round++) {
      const burst = Promise.withResolvers<void>();
      // A message every few microtasks, from the moment when the link is back: before, while and after the topic is.
      const off = client.onStatus(async (status) => {
        if (status !== "open") return;
        off();
        for (let i = 0; i < 7; i++) {
          await a!.hub.publish("log/x", { n: ++n });
          await microtasks(round);
        }
        burst.resolve();
      });
      line.sever();
      void a!.hub.publish("log/x", { n: ++n });
      await burst.promise;
      await back(recoveries, round);
      await waitFor(() => heard.length >= n, { what: "everything" });
    }
    assertEquals(heard, Array.from({ length: n }, (_, i) => i + 1));
    assertEquals(recoveries.map(({ recovered }) => recovered), Array(ROUNDS).fill(true));
  },
);

testOnAdapters(
  "promise 4: on another node a client is told that it is not complete, and gets nothing old",
  async (start) => {
    await using cluster = await start(2);
    const [a, b] = cluster.nodes;
    const links = linksTo([a!, b!]);
    const { url, transport } = links;
    const client = await a!.member(undefined, { url, transport });
    assertEquals(client.nodeId, a!.hub.nodeId);
    const { heard, metas, recoveries } = await subscribed(client, "log/x");
    await follow(b!); // so that the other node has a history of its own
    await a!.hub.publish("log/x", { n: 1 });
    await waitFor(() => heard.length === 1, { what: "the first" });
    await links.drop(client);
    await a!.hub.publish("log/x", { n: 2 });
    await waitFor(async () => (await b!.hub.history("log/x")).records.at(-1)?.payload.n === 2, {
      what: "2 there",
    });
    await links.back(client, b!);
    await back(recoveries);
    assertEquals(client.nodeId, b!.hub.nodeId);
    await a!.hub.publish("log/x", { n: 3 });
    await waitFor(() => heard.includes(3), { what: "the live message" });
    assertEquals([heard, recoveries], [[1, 3], [{ topic: "log/x", recovered: false }]]);
    assertNotEquals(metas[0]!.epoch, metas[1]!.epoch);
  },
);

testOnAdapters(
  "promise 4: a gap that is longer or older than the history is reported, never filled in part",
  async (start) => {
    const clock = new FakeClock();
    await using cluster = await start(1, { clock, limits: { handshakeTimeoutMs: 1e9 }, heartbeatMs: 1e9 });
    const [a] = cluster.nodes;
    const { client, line, heard, recoveries } = await follow(a!);
    const away = async (meanwhile: () => Promise<unknown>) => {
      const times = recoveries.length + 1;
      line.refuse(true);
      line.sever();
      await waitFor(() => client.status === "reconnecting", { what: "the client to notice" });
      await meanwhile();
      line.refuse(false);
      await back(recoveries, times);
      return recoveries.at(-1)!.recovered;
    };
    const publish = async (from: number, to: number) => {
      for (let n = from; n <= to; n++) await a!.hub.publish("log/x", { n });
    };
    await publish(1, 1);
    await waitFor(() => heard.length === 1, { what: "the first" });
    assertEquals(await away(() => publish(2, 9)), true); // all 8 that are kept
    assertEquals(await away(() => publish(10, 18)), false); // one more
    assertEquals(heard, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assertEquals(await away(() => publish(19, 19)), true); // what is known again is recovered again
    const aged = await away(async () => {
      await publish(20, 20);
      clock.advance(60_001);
      await publish(21, 21);
    });
    assertEquals([aged, heard], [false, [1, 2, 3, 4, 5, 6, 7, 8, 9, 19]]);
    assertEquals(await away(() => Promise.resolve(clock.advance(60_001))), true); // nothing missed, nothing kept
    await publish(22, 22);
    await waitFor(() => heard.includes(22), { what: "the live one" });
  },
);

testOnAdapters(
  "promise 4: a break of the backplane is told to live subscribers, and to clients that reconnect",
  async (start) => {
    await using cluster = await start(2);
    const [a, b] = cluster.nodes;
    const live = await follow(b!);
    const away = await follow(b!);
    const publish = async (n: number) => {
      await a!.hub.publish("log/x", { n });
      if (n !== 2) await waitFor(() => live.heard.includes(n), { what: `${n}` });
    };
    await publish(1);
    await waitFor(() => away.heard.length === 1, { what: "the first" });
    away.line.refuse(true);
    away.line.sever();
    await waitFor(() => away.client.status === "reconnecting", { what: "the client to notice" });
    b!.tap.lose();
    await publish(2); // which never gets there
    await waitFor(() => b!.tap.dropped.length > 0, { what: "the loss" });
    b!.tap.heal();
    await back(live.recoveries);
    await publish(3);
    away.line.refuse(false);
    await back(away.recoveries);
    assertEquals([live.heard, live.recoveries], [[1, 3], [{ topic: "log/x", recovered: false }]]);
    assertEquals([away.heard, away.recoveries], [[1], [{ topic: "log/x", recovered: false }]]);

    // From the new position on it is complete again.
    live.line.refuse(true);
    live.line.sever();
    await waitFor(() => live.client.status === "reconnecting", { what: "the client to notice" });
    await a!.hub.publish("log/x", { n: 4 });
    await waitFor(() => away.heard.includes(4), { what: "4" });
    live.line.refuse(false);
    await back(live.recoveries, 2);
    assertEquals([live.heard, live.recoveries[1]!.recovered], [[1, 3, 4], true]);
  },
);

testOnAdapters("promise 4: a position from before the gap is never called complete", async (start) => {
  await using cluster = await start(2);
  const [a, b] = cluster.nodes;
  await follow(b!);
  const first = await b!.hub.publish("log/x", { n: 1 });
  b!.tap.lose();
  await a!.hub.publish("log/x", { n: 2 });
  await waitFor(() => b!.tap.dropped.length > 0, { what: "the loss" });
  b!.tap.heal();
  const third = await b!.hub.publish("log/x", { n: 3 });
  assertNotEquals(first.epoch, third.epoch);
  const since = (offset: number) => b!.hub.history("log/x", { since: { epoch: third.epoch, offset } });
  assertEquals((await b!.hub.history("log/x", { since: first })).complete, false);
  assertEquals((await since(0)).complete, false); // the gap lies behind it, whatever the epoch says
  assertEquals((await since(third.offset - 1)).records.map(({ payload }) => payload.n), [3]);
  assertEquals((await since(third.offset)).complete, true);
  assertEquals((await since(third.offset + 1)).complete, false);
});

testOnAdapters(
  "promise 4: subscribing to a topic with history reports no gap if there is none",
  async (start) => {
    await using cluster = await start(2);
    const [a, b] = cluster.nodes;
    const { client, line, heard, recoveries } = await follow(a!);
    await turn();
    assertEquals(recoveries, []);
    await b!.hub.publish("log/x", { n: 1 });
    await waitFor(() => heard.length === 1, { what: "the first" });
    line.sever();
    await back(recoveries);
    assertEquals([client.status, recoveries], ["open", [{ topic: "log/x", recovered: true }]]);
  },
);

testOnAdapters(
  "promise 4: messages that were lost without a report are noticed with the next one",
  async (start) => {
    await using cluster = await start(3);
    const [a, b, c] = cluster.nodes;
    const { client, line, heard, recoveries } = await follow(b!);
    for (const [n, { hub }] of [a!, c!, a!, c!].entries()) {
      await hub.publish("log/x", { n });
      await waitFor(() => heard.includes(n), { what: `${n}` });
    }
    b!.tap.cut();
    await a!.hub.publish("log/x", { n: 4 });
    await waitFor(() => b!.tap.dropped.length > 0, { what: "the loss" });
    b!.tap.heal();
    await c!.hub.publish("log/x", { n: 5 });
    await waitFor(() => heard.includes(5), { what: "5" });
    assertEquals(recoveries, []); // nothing of this publisher is missing
    await a!.hub.publish("log/x", { n: 6 });
    await waitFor(() => heard.includes(6), { what: "6" });
    assertEquals([heard, recoveries], [[0, 1, 2, 3, 5, 6], [{ topic: "log/x", recovered: false }]]);
    line.sever();
    await back(recoveries, 2);
    assertEquals([client.status, recoveries[1]!.recovered], ["open", true]);
  },
);

testOnAdapters(
  "promise 4: without a shared store too the same id is delivered once, whichever node publishes it",
  async (start) => {
    await using cluster = await start(3, { history: "per-node" });
    const nodes = cluster.nodes;
    const followers = await Promise.all(nodes.map((node) => follow(node)));
    const all = (count: number) =>
      waitFor(() => followers.every(({ heard }) => heard.length >= count), { what: `${count} messages` });
    const publish = (node: Node, n: number, id?: string) => node.hub.publish("log/x", { n }, { id });
    await publish(nodes[0]!, 1, "order 1");
    await all(1);
    for (const node of nodes) await publish(node, 1, "order 1");
    // Each of them publishes before it hears of the others.
    await Promise.all(nodes.map((node) => publish(node, 2, "order 2")));
    await all(2);
    for (const [i, node] of nodes.entries()) await publish(node, 3 + i);
    await all(5);
    for (const { heard, recoveries } of followers) {
      assertEquals([heard.slice(0, 2), heard.slice(2).toSorted(), recoveries], [[1, 2], [3, 4, 5], []]);
    }
  },
);

testOnAdapters("promise 4: a dropped message is reported as a gap", async (start) => {
  await using cluster = await start(2);
  const [a, b] = cluster.nodes;
  const { heard, recoveries } = await follow(b!);
  b!.tap.inject(
    "topic:log/x",
    JSON.stringify([["own", "run", 1, { n: "of a newer version" }]]),
    a!.hub.nodeId,
  );
  await back(recoveries);
  assertEquals([recoveries[0]!.recovered, b!.errors.length], [false, 1]);
  await b!.hub.publish("log/x", { n: 1 });
  await waitFor(() => heard.length === 1, { what: "the next" });
});

testOnAdapters(
  "promise 4: a history begins a new epoch when its channel goes live later than it should",
  async (start) => {
    await using cluster = await start(2);
    const [a, b] = cluster.nodes;
    b!.tap.beforeSubscribe = () => Promise.reject(new Error("refused"));
    const early = await b!.hub.publish("log/x", { n: 1 });
    await waitFor(() => b!.errors.length > 0, { what: "the refusal" });
    const still = await b!.hub.publish("log/x", { n: 2 });
    await a!.hub.publish("log/x", { n: 3 }); // which never gets there
    b!.tap.beforeSubscribe = () => {};
    const { epoch } = await waitFor(async () => {
      const page = await b!.hub.history("log/x");
      return page.epoch !== still.epoch && page;
    }, { what: "the channel to be live" });
    for (const since of [early, still, { epoch, offset: 0 }, { epoch, offset: 1 }]) {
      assertEquals((await b!.hub.history("log/x", { since })).complete, false);
    }
  },
);

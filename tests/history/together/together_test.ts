/** The rules of every shared store of histories, with real nodes, brokers and links. */
import { assert, assertEquals } from "@std/assert";
import type { Published } from "@trunkline/hub";
import { FakeClock } from "../../fake_clock.ts";
import { test, waitFor } from "../../harness.ts";
import { publishUntilKept, run } from "./market.ts";
import { nameOf, openPlaces } from "./places.ts";
import { Cluster, type Follower, PATIENCE } from "./scene.ts";

const TIMEOUT = { timeoutMs: 60_000 };
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

for (const createPlace of await openPlaces()) {
  const where = nameOf(createPlace());
  const start = (count: number, options = {}) => Cluster.start(createPlace(), count, options);

  test(
    `history: each topic counts 1, 2, 3, … in one epoch, whichever node publishes, and all nodes say the same [${where}]`,
    async () => {
      await using cluster = await start(3);
      const { nodes } = cluster;
      const topics = ["price/x", "price/y"] as const;
      for (const topic of topics) {
        const before = await nodes[0]!.hub.position(topic);
        const published = await Promise.all(
          nodes.map(({ hub }, i) =>
            Promise.all(range(1, 10).map((n) => hub.publish(topic, { from: `node ${i}`, n })))
          ),
        );
        for (const of of published) {
          assertEquals(of, of.toSorted((a, b) => a.offset - b.offset), "a node's messages keep their order");
        }
        const all = published.flat().toSorted((a, b) => a.offset - b.offset);
        assertEquals(all, range(1, 30).map((offset) => ({ epoch: before.epoch, offset })));
        const pages = await Promise.all(nodes.map(({ hub }) => hub.history(topic)));
        for (const page of pages) assertEquals(page, pages[0]);
        assertEquals([pages[0]!.epoch, pages[0]!.records.map(({ offset }) => offset)], [
          before.epoch,
          range(1, 30),
        ]);
        for (const { hub } of nodes) assertEquals(await hub.position(topic), all.at(-1));
      }
      cluster.reportedNothing();
    },
    TIMEOUT,
  );

  test(
    `history: a delivered message is stored by then, and a stored one is delivered, on every node [${where}]`,
    async () => {
      await using cluster = await start(2);
      const { nodes } = cluster;
      const looks: Promise<void>[] = [];
      const followers = await Promise.all(nodes.map((node) => cluster.follow(node, "price/x")));
      for (const [i, { client }] of followers.entries()) {
        const { hub } = nodes[1 - i]!; // the other one
        const look = async ({ offset, epoch }: Published, n: number) => {
          const { records } = await hub.history("price/x", {
            since: { epoch, offset: offset - 1 },
            limit: 1,
          });
          assertEquals(records.map(({ offset, payload }) => [offset, payload.n]), [[offset, n]]);
        };
        await client.subscribe("price/x", ({ n }, meta) => void looks.push(look(meta, n))).ready;
      }
      await Promise.all(range(1, 20).map((n) => nodes[n % 2]!.hub.publish("price/x", { from: "both", n })));
      for (const follower of followers) await follower.heardAll(nodes[0]!);
      await waitFor(() => looks.length === 40, { what: "everything to be heard", ...PATIENCE });
      await Promise.all(looks);
      cluster.reportedNothing();
    },
    TIMEOUT,
  );

  test(
    `promise 4: back on another node during publishes, a client gets exactly its missed messages, in order, then the live ones [${where}]`,
    async () => {
      await using cluster = await start(2);
      const { nodes: [a, b] } = cluster;
      const follower = await cluster.follow(a!, "price/x");
      const prices = [run(a!.hub, "price/x", "a"), run(b!.hub, "price/x", "b")];
      for (const [round, node] of [b!, a!].entries()) {
        const before = follower.heard.length;
        await waitFor(() => follower.heard.length > before + 10, { what: "prices", ...PATIENCE });
        await follower.lose();
        const last = follower.heard.at(-1)!.meta.offset;
        await waitFor(async () => (await b!.hub.position("price/x")).offset > last + 10, {
          what: "prices that it misses",
          ...PATIENCE,
        });
        await follower.find(node);
        assertEquals(follower.recoveries, Array(round + 1).fill(true));
        await waitFor(() => !follower.heard.at(-1)!.meta.recovered, { what: "live prices", ...PATIENCE });
      }
      await Promise.all(prices.map((each) => each.stop()));
      await follower.heardAll(a!);
      const told = follower.heard.map(({ meta }) => meta.recovered);
      assert(told.includes(true) && !told[0] && !told.at(-1), "what was missed is marked, and nothing else");
      for (const [i, name] of ["a", "b"].entries()) {
        for (const [n, { offset }] of prices[i]!.kept) {
          const { from, n: number } = follower.heard[offset - 1]!;
          assertEquals([from, number], [name, n]);
        }
      }
      cluster.reportedNothing();
    },
    TIMEOUT,
  );

  test(
    `promise 4: a gap older than the history is not filled in part, and the client is told [${where}]`,
    async () => {
      await using cluster = await start(2);
      const { nodes: [a, b] } = cluster;
      const follower = await cluster.follow(a!, "short/x");
      await follower.heardUpTo(await b!.hub.publish("short/x", { from: "b", n: 0 }));
      await follower.lose();
      // Stores may keep more than they are asked to, some of them a write at a time.
      for (let n = 1; n <= 300; n++) {
        if (n % 50 === 0) await b!.hub.publish("short/x", { from: "b", n });
        else void b!.hub.publish("short/x", { from: "b", n });
      }
      await follower.find(b!);
      const live = await a!.hub.publish("short/x", { from: "a", n: 301 });
      await follower.heardUpTo(live);
      assertEquals([follower.recoveries, follower.heard.map(({ n }) => n)], [[false], [0, 301]]);
      // What is known again is recovered again.
      await follower.lose();
      await a!.hub.publish("short/x", { from: "a", n: 302 });
      await follower.find(b!);
      assertEquals([follower.recoveries, follower.heard.map(({ n }) => n)], [[false, true], [0, 301, 302]]);
      cluster.reportedNothing();
    },
    TIMEOUT,
  );

  test(
    `history: a message with the same id on two nodes is stored and delivered once [${where}]`,
    async () => {
      await using cluster = await start(2);
      const { nodes: [a, b] } = cluster;
      const followers = await Promise.all([a!, b!].map((node) => cluster.follow(node, "price/x")));
      const twice = range(1, 10).map((n) =>
        Promise.all([a!, b!].map(({ hub }) => publishUntilKept(hub, "price/x", { from: "both", n })))
      );
      for (const [one, other] of await Promise.all(twice)) assertEquals(one, other);
      await a!.hub.publish("price/x", { from: "a", n: 1 });
      for (const follower of followers) {
        await follower.heardAll(b!);
        assertEquals(follower.heard.length, 11);
      }
      cluster.reportedNothing();
    },
    TIMEOUT,
  );

  test(
    `rooms: a client whose link is gone recovers on another node the broadcasts of nodes and emitters, except those that leave it out [${where}]`,
    async () => {
      await using cluster = await start(2);
      const { nodes: [a, b] } = cluster;
      await using emitter = cluster.emitter();
      const [moves, stays] = [await cluster.follow(a!, "floor/x"), await cluster.follow(b!, "floor/x")];
      const except = { id: moves.client.connectionId! };
      const call = (n: number, { hub } = b!, options = {}) =>
        hub.room("floor/x").broadcast("call", { from: "node", n }, options);
      await call(1, a!);
      await moves.heardUpTo(await call(2));
      await moves.lose();
      await call(3);
      await call(4, b!, { except });
      await emitter.room("floor/x").broadcast("call", { from: "emitter", n: 5 });
      await stays.heardUpTo(await call(6, a!)); // by now the other node has it: it is no live message there
      await moves.find(b!);
      await a!.hub.close(); // the others are complete without it
      const last = await call(7);
      for (const follower of [moves, stays]) await follower.heardUpTo(last);
      const offsets = ({ heard }: Follower) => heard.map(({ n, meta }) => (assertEquals(meta.offset, n), n));
      assertEquals([offsets(moves), moves.recoveries], [[1, 2, 3, 5, 6, 7], [true]]);
      assertEquals([offsets(stays), stays.recoveries], [range(1, 7), []]);
      const told = moves.heard.map(({ meta }) => meta.recovered);
      assertEquals(told, [false, false, true, true, true, false]);
      cluster.reportedNothing();
    },
    TIMEOUT,
  );

  test(
    `history: a first subscribe rewinds on a node that published nothing, then gets live messages [${where}]`,
    async () => {
      await using cluster = await start(2);
      const { nodes: [a, b] } = cluster;
      for (const n of range(1, 10)) await a!.hub.publish("price/x", { from: "a", n });
      const prices = run(a!.hub, "price/x", "live");
      const follower = await cluster.follow(b!, "price/x", { rewind: { last: 5 } });
      const first = follower.heard[0]!.meta.offset;
      assert(first >= 6, `${first}`);
      await waitFor(() => prices.kept.size > 5, { what: "live prices", ...PATIENCE });
      await prices.stop();
      await follower.heardAll(b!, first);
      assertEquals(follower.recoveries, [true]);
      const timed = await cluster.follow(b!, "price/x", { rewind: { sinceMs: 200_000 } });
      await timed.heardAll(a!);
      cluster.reportedNothing();
    },
    TIMEOUT,
  );

  test(
    `history: a first subscribe goes on from the position that was given with the state, on another node [${where}]`,
    async () => {
      await using cluster = await start(2);
      const { nodes: [a, b] } = cluster;
      const prices = run(a!.hub, "price/x", "a");
      await waitFor(() => prices.kept.size > 5, { what: "prices", ...PATIENCE });
      const since = await a!.hub.position("price/x");
      await waitFor(() => prices.kept.size > since.offset + 5, { what: "more of them", ...PATIENCE });
      const follower = await cluster.follow(b!, "price/x", { since });
      const other = await cluster.follow(b!, "price/x", { since: { epoch: "another", offset: 5 } });
      await prices.stop();
      await follower.heardAll(a!, since.offset + 1);
      assertEquals([follower.recoveries, other.recoveries], [[true], [false]]);
      assert(other.heard.every(({ meta }) => !meta.recovered), "it gets nothing old");
      cluster.reportedNothing();
    },
    TIMEOUT,
  );

  test(
    `history: a node that publishes seldom, without subscribers of its own, is no gap for anybody [${where}]`,
    async () => {
      const clock = new FakeClock();
      await using cluster = await start(2, {
        clock,
        heartbeatMs: 1e9,
        backplaneTimeoutMs: 1e9,
        cluster: { heartbeatMs: 6e8, nodeTimeoutMs: 2e9, joinTimeoutMs: 0 },
        limits: { maxHistories: 3, handshakeTimeoutMs: 1e9 },
      });
      const { nodes: [a, b] } = cluster;
      const follower = await cluster.follow(b!, "price/x");
      for (let n = 1; n <= 4; n++) {
        await follower.heardUpTo(await a!.hub.publish("price/x", { from: "a", n }));
        for (let i = 0; i < 5; i++) await a!.hub.publish(`price/other ${n} ${i}`, { from: "a", n });
        clock.advance(30_000); // three sweeps
        for (const { hub } of [a!, b!]) assertEquals((await hub.position("price/x")).offset, n);
      }
      await follower.heardAll(a!);
      assertEquals(follower.recoveries, []);
      cluster.reportedNothing();
    },
    TIMEOUT,
  );
}

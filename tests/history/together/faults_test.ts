/** The promises of histories while their store is killed, loses its data, or is frozen. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import type { HubError, Published } from "@trunkline/hub";
import { test, waitFor } from "../../harness.ts";
import { type Floor, PLACES, publishUntilKept, read, run, say, type Topic } from "./market.ts";
import { launchAll, nameOf } from "./places.ts";
import { Cluster, type Follower, PATIENCE } from "./scene.ts";

const TIMEOUT = { timeoutMs: 120_000 };
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

const LOST =
  "promise 4: a store that comes back without its messages begins a new epoch, and every client is told once";
const KEPT =
  "history: a store that is killed and comes back with all messages goes on, and no client has a hole";
const FROZEN =
  "promise 1: while a store is frozen a publisher learns which messages are uncertain, and publishes them again, once";

/** The messages of an epoch that a follower got, in order of arrival. */
const offsetsOf = (follower: Follower, epoch: string) =>
  follower.heard.filter(({ meta }) => meta.epoch === epoch).map(({ meta }) => meta.offset);

/** Publishes on every node until each has heard of the present epoch. */
async function settled(
  cluster: Cluster,
  followers: readonly Follower[],
  n: number,
  where: Topic | Floor = "price/x",
): Promise<Published> {
  let last: Published;
  for (const [i, { hub }] of cluster.nodes.entries()) {
    last = await publishUntilKept(hub, where, { from: `node ${i} again`, n });
  }
  for (const follower of followers) await follower.heardUpTo(last!);
  return last!;
}

for (const { store, newEpoch, asAnother, durable, forgetful } of await launchAll()) {
  const where = nameOf({ store });

  test(`${LOST} [${where}]`, async () => {
    await using cluster = await Cluster.start(forgetful.place(), 2);
    const { nodes: [a, b] } = cluster;
    const scenes = await Promise.all(PLACES.map(async (where) => {
      const stays = await Promise.all(cluster.nodes.map((node) => cluster.follow(node, where)));
      const away = await cluster.follow(a!, where);
      const followers = [...stays, away];
      let before: Published;
      for (const n of range(1, 5)) before = await say(a!.hub, where, { from: "a", n });
      for (const follower of followers) await follower.heardUpTo(before!);
      await away.lose();
      return { where, stays, away, followers, before: before! };
    }));
    await forgetful.kill();
    await forgetful.start();
    for (const { where, stays, away, followers, before } of scenes) {
      const after = await settled(cluster, stays, 1, where);
      assertNotEquals(after.epoch, before.epoch);
      await away.find(b!);
      await settled(cluster, followers, 2, where);
      for (const follower of followers) {
        await follower.back(1);
        assertEquals(follower.recoveries, [false], `${where}: told once`);
        assertEquals(offsetsOf(follower, before.epoch), range(1, 5));
        const told = offsetsOf(follower, after.epoch);
        // Who stayed hears all that was published since, also before its node knew.
        assertEquals(told, range(follower === away ? told[0]! : 1, told.at(-1)!));
      }
      assertEquals((await read(b!.hub, where, { since: before })).complete, false);
    }
  }, TIMEOUT);

  if (newEpoch) {
    const instead = asAnother ? "the tests on redis show" : "the next test shows";
    test.skip(`${KEPT} [${where}]`, `${newEpoch}; ${instead} what happens instead`);
  }
  if (newEpoch && !asAnother) {
    test(
      `history: a store that cannot prove that it is complete begins a new epoch, whatever it has kept [${where}]`,
      async () => {
        await using cluster = await Cluster.start(durable.place(), 2);
        const { nodes: [a, b] } = cluster;
        const stays = await Promise.all(cluster.nodes.map((node) => cluster.follow(node, "price/x")));
        let before: Published;
        for (const n of range(1, 5)) before = await a!.hub.publish("price/x", { from: "a", n });
        for (const follower of stays) await follower.heardUpTo(before!);
        await durable.kill();
        await durable.start();
        // One node is back first, and publishes what the other has not heard of.
        for (const n of range(1, 20)) await publishUntilKept(b!.hub, "price/x", { from: "b", n });
        const after = await settled(cluster, stays, 1);
        assertNotEquals(after.epoch, before!.epoch);
        assertEquals((await b!.hub.history("price/x", { since: before! })).complete, false);
        const { records } = await b!.hub.history("price/x");
        const numbers = records.map(({ payload }) => payload.n);
        assertEquals(numbers.slice(0, 5), range(1, 5), "what it has kept can be read");
        for (const follower of stays) {
          const heard = follower.heard.map(({ from, n }) => `${from} ${n}`);
          assertEquals(
            heard,
            records.map(({ payload: { from, n } }) => `${from} ${n}`),
            "each once, in order",
          );
          await follower.back(1);
          assertEquals(follower.recoveries, [false], "told once");
        }
      },
      TIMEOUT,
    );
  } else if (!newEpoch) {
    test(`${KEPT} [${where}]`, async () => {
      await using cluster = await Cluster.start(durable.place(), 2);
      const { nodes: [a, b] } = cluster;
      const stays = await Promise.all(cluster.nodes.map((node) => cluster.follow(node, "price/x")));
      const away = await cluster.follow(a!, "price/x");
      const followers = [...stays, away];
      const prices = [run(a!.hub, "price/x", "a"), run(b!.hub, "price/x", "b")];
      await waitFor(() => followers.every(({ heard }) => heard.length > 10), {
        what: "prices",
        ...PATIENCE,
      });
      await away.lose();
      await durable.kill();
      await durable.start();
      const kept = prices.map(({ kept }) => kept.size);
      await waitFor(() => prices.every(({ kept: now }, i) => now.size > kept[i]! + 5), {
        what: "prices after the restart",
        ...PATIENCE,
      });
      await away.find(b!);
      await Promise.all(prices.map((each) => each.stop()));
      for (const follower of followers) {
        await follower.heardAll(a!);
        assert(follower.recoveries.every((recovered) => recovered), `${follower.recoveries}`);
      }
    }, TIMEOUT);
  }

  test(`${FROZEN} [${where}]`, async () => {
    await using cluster = await Cluster.start(durable.place(), 2, { backplaneTimeoutMs: 1_000 });
    const { nodes: [a, b] } = cluster;
    const followers = await Promise.all(cluster.nodes.map((node) => cluster.follow(node, "price/x")));
    await settled(cluster, followers, 1);
    durable.pause();
    const codes: string[] = [];
    try {
      await Promise.all(
        range(1, 5).map(async (n) => {
          await a!.hub.publish("price/x", { from: "a", n }, { id: `a ${n}` })
            .then(() => codes.push("kept"), (error: HubError) => codes.push(error.code));
        }),
      );
    } finally {
      durable.resume();
    }
    assert(codes.includes("UNCERTAIN"), `${codes}`);
    assertEquals(codes.filter((code) => code !== "UNCERTAIN" && code !== "UNAVAILABLE"), []);
    // On another node, by its id.
    const positions: Published[] = [];
    for (const n of range(1, 5)) positions.push(await publishUntilKept(b!.hub, "price/x", { from: "a", n }));
    await settled(cluster, followers, 2);
    for (const follower of followers) {
      await follower.heardAll(b!);
      const of = follower.heard.filter(({ from }) => from === "a");
      assertEquals(of.map(({ n }) => n).toSorted(), range(1, 5), "each once");
      for (const { n, meta } of of) assertEquals(meta.offset, positions[n - 1]!.offset);
      assert(follower.recoveries.every((recovered) => recovered), `${follower.recoveries}`);
    }
  }, TIMEOUT);
}

for (const title of [LOST, KEPT, FROZEN]) {
  test.skip(`${title} [memory]`, "it is in the process of its nodes; the next test shows how it ends");
}

test(
  "history: a client of a process that was started again is told once that its history is gone [memory]",
  async () => {
    await using cluster = await Cluster.start({ store: "memory", url: "-", prefix: "own" }, 1);
    await using next = await Cluster.start({ store: "memory", url: "-", prefix: "own" }, 1);
    const follower = await cluster.follow(cluster.nodes[0]!, "price/x");
    await follower.heardUpTo(await cluster.nodes[0]!.hub.publish("price/x", { from: "a", n: 1 }));
    await follower.lose();
    const { hub } = next.nodes[0]!;
    for (const n of range(1, 3)) await hub.publish("price/x", { from: "b", n });
    await follower.find(next.nodes[0]!);
    await follower.heardUpTo(await hub.publish("price/x", { from: "b", n: 4 }));
    assertEquals([follower.recoveries, follower.heard.map(({ n }) => n)], [[false], [1, 4]]);
  },
  TIMEOUT,
);

import { assert, assertEquals, assertNotEquals } from "@std/assert";
import fc from "fast-check";
import { Backoff } from "../../client/reconnect.ts";
import { test } from "../harness.ts";
import { connecting, opened, retried, type Rig, turn } from "./setup.ts";

/** Lets the attempt that is due happen, and fail. */
async function failNext({ server, clock }: Rig, afterMs: number): Promise<void> {
  clock.advance(afterMs);
  await turn();
  server.link.close();
}

test("reconnects with exponential backoff and full jitter", async () => {
  const draws = [0, 0.5, 0.999, 0.25];
  const rig = await connecting({ random: () => draws.shift()!, reconnect: { baseMs: 1_000, maxMs: 3_000 } });
  rig.server.link.close();
  await failNext(rig, 0);
  await failNext(rig, 1_000);
  await failNext(rig, 2_997);
  assertEquals(rig.statuses.map(([status, { attempt, retryInMs }]) => [status, attempt, retryInMs]), [
    ["connecting", 1, 0],
    ["connecting", 2, 1_000],
    ["connecting", 3, 2_997],
    ["connecting", 4, 750],
  ]);
  assertEquals(rig.server.links.length, 4);
  await rig.client.close();
});

test("no wait is longer than its bound, and every wait up to it is possible", () => {
  fc.assert(fc.property(
    fc.record({
      baseMs: fc.nat(5_000),
      extraMs: fc.nat(60_000),
      patientMs: fc.nat(100_000),
      factor: fc.double({ min: 1, max: 10, noNaN: true }),
    }),
    fc.array(
      fc.record({
        draw: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        awayMs: fc.option(fc.nat(200_000), { nil: undefined }),
      }),
      { maxLength: 50, size: "max" },
    ),
    ({ baseMs, extraMs, patientMs, factor }, waits) => {
      const settings = { baseMs, maxMs: baseMs + extraMs, patientMs, factor, maxAttempts: Infinity };
      let next = 0;
      const backoff = new Backoff(settings, () => next);
      const bounds = { reached: baseMs, none: baseMs };
      for (const { draw, awayMs } of waits) {
        next = draw;
        const prompt = awayMs !== undefined && awayMs < patientMs;
        const kind = awayMs === undefined ? "reached" : "none";
        const bound = Math.min(bounds[kind], settings.maxMs, prompt ? Math.max(baseMs, 3_000) : Infinity);
        assertEquals(backoff.next(awayMs), draw * bound);
        bounds[kind] = bound * factor || 1;
      }
      backoff.reset();
      next = 0.5;
      assertEquals(backoff.next(), baseMs / 2);
    },
  ));
});

test("while no server is reached waits stay short for a minute, and then grow from there", async () => {
  const rig = await connecting({ random: () => 0.999 });
  const waits: number[] = [];
  for (let waitedMs = 0; waitedMs < 150_000;) {
    rig.server.link.close();
    const { retryInMs } = rig.statuses.at(-1)![1];
    waits.push(Math.ceil(retryInMs!));
    waitedMs += retryInMs!;
    await retried(rig);
  }
  assertEquals(waits.slice(0, 5), [500, 999, 1_998, 2_997, 2_997]);
  const long = waits.findIndex((ms) => ms > 3_000);
  const before = waits.slice(0, long).reduce((sum, ms) => sum + ms);
  assert(before > 60_000 && before < 63_100, `the first long wait came after ${before} ms`);
  assertEquals(waits.slice(long, long + 4), [5_994, 11_988, 23_976, 29_970]);
  await rig.client.close();
});

test("patientMs: 0 lets waits grow at once, and a longer baseMs is no shorter for it", async () => {
  const cases = [
    [{ patientMs: 0 }, [500, 999, 1_998, 3_996, 7_992]],
    [{ baseMs: 5_000 }, [4_995, 4_995, 4_995, 4_995, 4_995]],
    [{ maxMs: 800 }, [500, 800, 800, 800, 800]],
  ] as const;
  for (const [reconnect, expected] of cases) {
    const rig = await connecting({ random: () => 0.999, reconnect });
    for (let i = 0; i < expected.length; i++) {
      rig.server.link.close();
      await retried(rig);
    }
    const waits = rig.statuses.flatMap(([, { retryInMs }]) => retryInMs ? [Math.ceil(retryInMs)] : []);
    assertEquals(waits, [...expected]);
    await rig.client.close();
  }
});

test("baseMs: 0 makes the first attempt follow at once, and the waits after it still grow", async () => {
  for (const reached of [false, true]) {
    const rig = await connecting({ random: () => 0.999, reconnect: { baseMs: 0, patientMs: 0 } });
    const waits: number[] = [];
    for (let i = 0; i < 20; i++) {
      if (reached) rig.server.link.open();
      rig.server.link.close();
      waits.push(Math.ceil(rig.statuses.at(-1)![1].retryInMs!));
      await retried(rig);
    }
    assertEquals([waits[0], waits.at(-1)], [0, 29_970]);
    await rig.client.close();
  }
});

test("a server that opens links and sends clients away is asked after growing waits from the first on", async () => {
  const rig = await connecting({ random: () => 0.999 });
  for (let i = 0; i < 5; i++) {
    rig.server.link.open();
    rig.server.link.close(4006, "Cannot look you up");
    await retried(rig);
  }
  const waits = rig.statuses.map(([, { retryInMs }]) => Math.ceil(retryInMs!));
  assertEquals(waits, [500, 999, 1_998, 3_996, 7_992]);
  await rig.client.close();
});

test("a client that is told when to come back does so at that time, plus a random delay", async () => {
  const wishes: [wish: unknown, waitsMs: number][] = [
    [7_000, 7_250],
    [0, 500],
    [-1, 1_000],
    ["7000", 2_000],
    [null, 4_000],
  ];
  const rig = await connecting();
  for (const [retryInMs, waitsMs] of wishes) {
    rig.server.link.open();
    rig.server.link.say(["fault", { code: "UNAVAILABLE", message: "Full", data: { retryInMs } }]);
    rig.server.link.close(4004, "Full");
    assertEquals(rig.statuses.at(-1)![1].retryInMs, waitsMs);
    await retried(rig);
  }
  for (const data of [null, 7, "later", [7_000]]) {
    rig.server.link.open();
    rig.server.link.say(["fault", { code: "UNAVAILABLE", message: "Full", data }]);
    rig.server.link.close(4004, "Full");
    assert(rig.statuses.at(-1)![1].retryInMs! <= 15_000);
    await retried(rig);
  }
  await rig.client.close();
});

test("a server that accepts and closes at once is not stormed", async () => {
  const rig = await opened({ random: () => 0.999 });
  for (let i = 0; i < 5; i++) {
    rig.server.link.say(["ev", "dm", { text: "welcome" }]);
    rig.server.link.close();
    await retried(rig);
    rig.server.link.welcome();
  }
  const waits = rig.statuses.flatMap(([, { retryInMs }]) =>
    retryInMs === undefined ? [] : [Math.ceil(retryInMs)]
  );
  assertEquals(waits, [500, 999, 1_998, 3_996, 7_992]);
  await rig.client.close();
});

test("a connection that lasted starts the backoff over", async () => {
  const rig = await opened();
  for (const lastedMs of [4_999, 5_000]) {
    rig.clock.advance(lastedMs);
    rig.server.link.close();
    rig.clock.advance(1_000);
    await turn();
    rig.server.link.welcome();
  }
  rig.server.link.close();
  const attempts = rig.statuses.flatMap(([, { attempt }]) => attempt ?? []);
  assertEquals(attempts, [1, 1, 2]);
  await rig.client.close();
});

test("gives up after maxAttempts in a row, with the last error as the cause", async () => {
  const rig = await connecting({ reconnect: { maxAttempts: 2 } });
  rig.server.link.close();
  await failNext(rig, 500);
  await failNext(rig, 1_000);
  assertEquals((await rig.client.closed)?.code, "UNAVAILABLE");
  assertEquals([rig.server.links.length, rig.clock.pending], [3, 0]);
});

test("reconnect: false closes for good when the link is lost, and stays on a node that goes away", async () => {
  const { client, server, clock } = await opened({ reconnect: false });
  server.link.say(["move", 0]);
  clock.advance(5_000);
  assertEquals(client.status, "open");
  server.link.close(4000, "Going away");
  assertEquals((await client.closed)?.code, "DISCONNECTED");
  assertEquals(server.links.length, 1);
});

test("a list of urls is walked at random on each attempt that fails; http urls become ws urls", async () => {
  const rig = await connecting({ url: ["http://a/x", new URL("https://b/y?z=1#frag"), "wss://c"] });
  for (let i = 0; i < 3; i++) {
    rig.server.link.close();
    await retried(rig);
  }
  const urls = rig.server.links.map(({ url }) => url);
  assertEquals([urls[0], urls.slice(0, 3).toSorted()], ["ws://a/x", [
    "ws://a/x",
    "wss://b/y?z=1",
    "wss://c",
  ]]);
  assertNotEquals(urls[3], urls[2]);
  rig.server.link.welcome();
  rig.server.link.close();
  await retried(rig);
  assertEquals(rig.server.link.url, urls[3]); // it did work
  await rig.client.close();
});

test("a url function is called for every attempt, and may fail", async () => {
  let calls = 0;
  const rig = await connecting({
    url: () => ++calls === 1 ? Promise.reject(new Error("No address")) : `http://node-${calls}/`,
  });
  assertEquals(rig.errors.map(({ info }) => info), [{ stage: "connect" }]);
  rig.clock.advance(500);
  await turn();
  assertEquals(rig.server.link.url, "ws://node-2/");
  await rig.client.close();
});

test("a link that cannot even be tried is reported and tried again", async () => {
  let failures = 0;
  const rig = await connecting({
    transport: {
      connect() {
        failures++;
        throw new Error("No sockets");
      },
    },
  });
  rig.clock.advance(500);
  await turn();
  assertEquals(failures, 2);
  assertEquals(rig.errors.map(({ info }) => info.stage), ["connect", "connect"]);
  await rig.client.close();
});

test("a node that drains is left within its time, for the next url", async () => {
  const rig = await opened({ url: ["ws://a", "ws://b"] });
  const { client, server, clock, statuses } = rig;
  clock.advance(6_000);
  const answered = client.request("say", { text: "a" });
  const unanswered = client.request("say", { text: "b" });
  const lost = unanswered.catch((error) => error.code);
  await turn();
  server.link.say(["move", 2_000]);
  assertEquals(client.status, "open");
  server.link.say(["res", 1, { id: 1 }]);
  assertEquals(await answered, { id: 1 });
  clock.advance(999);
  assertEquals(client.status, "open");
  clock.advance(1);
  assertEquals(client.status, "reconnecting");
  assertEquals(await lost, "DISCONNECTED");
  assertEquals(server.links[0]!.closedBy?.code, 1000);
  assertEquals(statuses.at(-1), ["reconnecting", { attempt: 0, retryInMs: 0 }]);
  assertEquals(server.links.map(({ url }) => url), ["ws://a", "ws://b"]);
  server.link.welcome({ node: "n2" });
  assertEquals([client.status, client.nodeId], ["open", "n2"]);
  await client.close();
});

test("a client takes another address after a node that goes away has closed it; after any other loss it first tries the old one, if that node knows more than the others", async () => {
  const shared = { once: "redis" };
  const cases = [
    { welcome: shared, closed: 4000, moved: false, next: "ws://b", retryInMs: 250 },
    { welcome: shared, closed: 1006, moved: false, next: "ws://b", retryInMs: 250 },
    { closed: 4000, moved: false, next: "ws://b", retryInMs: 250 },
    { closed: 4000, moved: true, next: "ws://b", retryInMs: 0 }, // clients that are moving are spread already
    { closed: 1006, moved: false, next: "ws://a", retryInMs: 250 },
    { closed: 4001, moved: true, next: "ws://a", retryInMs: 250 },
  ];
  for (const { welcome, closed, moved, next, retryInMs } of cases) {
    const rig = await opened({ url: ["ws://a", "ws://b"] }, welcome);
    rig.clock.advance(6_000);
    if (moved) rig.server.link.say(["move", 60_000]);
    rig.server.link.close(closed, "Bye");
    assertEquals(rig.statuses.at(-1)![1].retryInMs, retryInMs);
    await retried(rig);
    assertEquals(rig.server.link.url, next);
    await rig.client.close();
  }
});

test("nodes that keep closing clients that are to move are not stormed", async () => {
  const rig = await opened({ random: () => 0.999 });
  const waits: number[] = [];
  for (let i = 0; i < 5; i++) {
    rig.server.link.say(["move", 60_000]);
    rig.server.link.close(4000, "Bye");
    waits.push(Math.ceil(rig.statuses.at(-1)![1].retryInMs!));
    await retried(rig);
    rig.server.link.welcome();
  }
  assertEquals(waits, [500, 999, 1_998, 3_996, 7_992]);
  await rig.client.close();
});

test("with one address, that of a load balancer, a client that a leaving node has closed reconnects there", async () => {
  const rig = await opened({ url: "ws://balancer" });
  rig.clock.advance(6_000);
  rig.server.link.say(["move", 60_000]);
  rig.server.link.close(4000, "Bye");
  await retried(rig);
  assertEquals(rig.server.links.map(({ url }) => url), ["ws://balancer", "ws://balancer"]);
  await rig.client.close();
});

test("the clients of a node that goes away spread over all other addresses", async () => {
  const urls = Array.from({ length: 5 }, (_, i) => `ws://node-${i}`);
  const counts = new Map<string, number>();
  let seed = 1;
  const random = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
  for (let i = 0; i < 200; i++) {
    const rig = await opened({ url: urls, random });
    rig.clock.advance(6_000);
    rig.server.link.say(["move", 1_000]);
    rig.clock.advance(1_000);
    await turn();
    const { url } = rig.server.link;
    counts.set(url, (counts.get(url) ?? 0) + 1);
    await rig.client.close();
  }
  assertEquals([...counts.keys()].toSorted(), urls.slice(1));
  for (const [url, count] of counts) assert(count > 25 && count < 75, `${count} of 200 went to ${url}`);
});

test("nodes that keep sending a client away are not asked at once", async () => {
  const { client, server, clock } = await opened();
  server.link.say(["move", 0]);
  clock.advance(0);
  await turn();
  assertEquals(server.links.length, 1);
  clock.advance(250);
  await turn();
  assertEquals(server.links.length, 2);
  await client.close();
});

test("a link that is lost before the move reconnects once", async () => {
  const { client, server, clock } = await opened();
  server.link.say(["move", 60_000], ["move", 60_000]);
  server.link.close();
  clock.advance(250);
  await turn();
  server.link.welcome();
  clock.advance(15_000);
  server.link.say(["ping"]);
  clock.advance(15_000);
  assertEquals([client.status, server.links.length], ["open", 2]);
  await client.close();
  assert(clock.pending === 0);
});

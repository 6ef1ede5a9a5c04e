import { assert, assertEquals } from "@std/assert";
import { Keeper } from "../../../adapters/kit/keeper.ts";
import type { FailureKind } from "../../../adapters/kit/failure.ts";
import { FakeClock } from "../../fake_clock.ts";
import { test } from "../../harness.ts";

/** Lets promises settle that need no time. */
async function settle(): Promise<void> {
  for (let i = 0; i < 30; i++) await Promise.resolve();
}

/** A keeper of connections that do as they are told. */
function scene(kindOf: (cause: unknown) => FailureKind = () => "unreachable") {
  const clock = new FakeClock();
  const told: string[] = [];
  const links: { lose(cause: Error): void; destroyed: boolean }[] = [];
  let next = (): Promise<void> => Promise.resolve();
  const keeper = new Keeper<(typeof links)[number]>({
    clock,
    connectTimeoutMs: 1_000,
    answerTimeoutMs: 1_000,
    async connect(lose) {
      const link = { lose, destroyed: false };
      links.push(link);
      await next();
      return link;
    },
    destroy(link) {
      link.destroyed = true;
      return Promise.resolve();
    },
    prepare: () => Promise.resolve(),
    onUp: () => void told.push("up"),
    onDown: (cause) => void told.push(`down: ${(cause as Error).message}`),
    onFailure(cause) {
      told.push(`failed: ${(cause as Error).message}`);
      return kindOf(cause);
    },
  });
  /** How long it takes until there is another attempt, in steps of 5 ms. */
  const pause = async () => {
    const before = links.length;
    let ms = 0;
    for (; links.length === before && ms < 20_000; ms += 5) {
      clock.advance(5);
      await settle();
    }
    return ms;
  };
  return { clock, keeper, links, told, pause, connecting: (how: () => Promise<void>) => void (next = how) };
}

test("keeper: the pauses between attempts that fail grow, up to a second", async () => {
  const { keeper, pause, connecting } = scene();
  connecting(() => Promise.reject(new Error("nobody there")));
  keeper.start();
  await settle();
  const pauses: number[] = [];
  for (let i = 0; i < 8; i++) pauses.push(await pause());
  assert(pauses[0]! <= 55 && pauses.every((ms) => ms <= 1_005) && pauses.at(-1)! >= 500, pauses.join());
  await keeper.close();
});

test("keeper: a connection that lasted as long as the longest pause is followed by the shortest one", async () => {
  const { clock, keeper, links, pause } = scene();
  keeper.start();
  await settle();
  const pauses: number[] = [];
  for (let i = 0; i < 8; i++) {
    clock.advance(2_000);
    links.at(-1)!.lose(new Error("cut"));
    await settle();
    pauses.push(await pause());
  }
  // So a broker that drops its connections every two seconds costs at most a fortieth of the messages, and the time to connect.
  assert(pauses.every((ms) => ms <= 55), pauses.join());
  assert(links.slice(0, -1).every(({ destroyed }) => destroyed));
  await keeper.close();
});

test("keeper: a connection that is closed at once, again and again, is not a good one", async () => {
  const { keeper, links, pause } = scene();
  keeper.start();
  await settle();
  let last = 0;
  for (let i = 0; i < 8; i++) {
    links.at(-1)!.lose(new Error("thrown out"));
    await settle();
    last = await pause();
  }
  assert(last >= 500, `${last}`);
  await keeper.close();
});

test("keeper: an engine that answers again is on its way up: the pauses start again from the shortest, once", async () => {
  const kind = { now: "unreachable" as FailureKind };
  const { keeper, pause, connecting } = scene(() => kind.now);
  connecting(() => Promise.reject(new Error("nobody there")));
  keeper.start();
  await settle();
  for (let i = 0; i < 8; i++) await pause();
  kind.now = "answered";
  assert(await pause() >= 500, "the pause that had begun");
  const pauses = [await pause(), await pause(), await pause(), await pause()];
  assert(pauses.every((ms, i) => ms <= 50 * 2 ** i + 5), pauses.join());
  // One that answers and is away in turn is not asked more often for that.
  for (let i = 0; i < 4; i++) await pause();
  for (let i = 0; i < 4; i++) {
    kind.now = i % 2 === 0 ? "unreachable" : "answered";
    assert(await pause() >= 500, "long pauses");
  }
  await keeper.close();
});

test("keeper: after a refusal the pause is longer, and after a final one there is no further attempt", async () => {
  const { clock, keeper, links, pause, connecting } = scene((cause) =>
    (cause as Error).message === "refused" ? "refused" : "final"
  );
  connecting(() => Promise.reject(new Error("refused")));
  keeper.start();
  await settle();
  assert(await pause() >= 2_500);
  connecting(() => Promise.reject(new Error("closed for good")));
  await pause();
  await pause();
  assertEquals([links.length, clock.pending], [3, 0]);
  await keeper.close();
});

test("keeper: an attempt that takes too long is given up, and its late connection is closed", async () => {
  const { clock, keeper, links, told, connecting } = scene();
  const late = Promise.withResolvers<void>();
  connecting(() => late.promise);
  keeper.start();
  await settle();
  for (let i = 0; i < 3; i++) clock.advance(1_000);
  await settle();
  assertEquals(told, []); // it has not ended what it began
  late.resolve();
  await settle();
  assertEquals([told, links[0]!.destroyed], [["failed: No connection within 1000 ms"], true]);
  await keeper.close();
  assertEquals(clock.pending, 0);
});

test("keeper: a sign of the other side ends the pause, and also the one after an attempt under way", async () => {
  const { keeper, links, told, connecting } = scene();
  const refuse = () => Promise.reject(new Error("nobody there"));
  connecting(refuse);
  keeper.start();
  await settle();
  assertEquals(links.length, 1);
  let fail = () => {};
  connecting(() => new Promise((_, reject) => fail = () => reject(new Error("too early"))));
  keeper.hurry();
  await settle();
  assertEquals(links.length, 2, "no pause");
  keeper.hurry();
  connecting(() => Promise.resolve());
  fail();
  await settle();
  assertEquals(links.length, 3, "no pause either");
  assertEquals(told.at(-1), "up");
  await keeper.close();
});

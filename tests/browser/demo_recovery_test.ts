import { assert, assertEquals } from "@std/assert";
import { startRedis } from "../../tools/brokers/redis.ts";
import { test, waitFor } from "../harness.ts";
import { Demo, type DemoWindow } from "./windows.ts";

const TIMEOUT = { timeoutMs: 120_000 };
/** Two equal charts have at least so many common points: more than any two parts of a random walk. */
const COMMON = 16;

/** The points of a window's chart, by their place in it; a point may be where two pieces of the line meet. */
async function pointsOf({ page }: DemoWindow): Promise<Map<number, string>> {
  const lines = await page.locator("#chart .lines path:not(.hole)").evaluateAll((paths) =>
    paths.map((path) => path.getAttribute("d")!)
  );
  const points = new Map<number, string>();
  for (const point of lines.flatMap((line) => line.slice(1).split("L"))) {
    const [at, price] = point.split(" ");
    points.set(Number(at), price!);
  }
  return points;
}

/** Fails unless a chart has each point that another one has in the time that both show, and no other. */
function assertSame(chart: Map<number, string>, other: Map<number, string>): void {
  const reach = Math.max(...chart.keys(), ...other.keys());
  const common = (shift: number) =>
    [...chart].filter(([at, price]) => other.get(at + shift) === price).length;
  const shifts = Array.from({ length: 2 * reach + 1 }, (_, i) => i - reach);
  const shift = shifts.reduce((best, each) => common(each) > common(best) ? each : best);
  assert(common(shift) >= COMMON, `the charts have ${common(shift)} points in common`);
  const moved = new Map([...chart].map(([at, price]) => [at + shift, price]));
  const from = Math.max(Math.min(...moved.keys()), Math.min(...other.keys()));
  const to = Math.min(Math.max(...moved.keys()), Math.max(...other.keys()));
  const within = (points: Map<number, string>) =>
    [...points].filter(([at]) => at >= from && at <= to).toSorted(([a], [b]) => a - b);
  assertEquals(within(moved), within(other));
}

/** Kills the node of a window, but not the one that publishes; its chart then has all points of one that stays. */
async function killNodeOf(demo: Demo, recovery: (node: number) => RegExp): Promise<void> {
  const watch = await demo.open("Watch", 1);
  const publisher = await watch.publisherOtherThan(0);
  const [doomed, other] = [1, 2, 3].filter((node) => node !== publisher);
  const ann = await demo.open("Ann", publisher);
  const bob = await demo.open("Bob", doomed!);
  await ann.say("before");
  await bob.hears("before");
  await waitFor(async () => (await pointsOf(bob)).size > COMMON, {
    what: "prices",
    timeoutMs: 20_000,
    intervalMs: 200,
  });
  await ann.press("Kill", doomed!);
  await ann.say("while Bob is away");
  const node = await bob.movedTo();
  assert([publisher, other].includes(node));
  await bob.page.getByText(recovery(node)).waitFor();
  await bob.hears("while Bob is away");
  assertEquals(await bob.messages(), ["before", "while Bob is away"]);
  const before = Math.max(...(await pointsOf(bob)).keys());
  await waitFor(async () => Math.max(...(await pointsOf(bob)).keys()) > before + COMMON, {
    what: "prices after it",
    timeoutMs: 20_000,
    intervalMs: 200,
  });
  const [his, hers] = await Promise.all([pointsOf(bob), pointsOf(ann)]);
  assertSame(his, hers);
  assertEquals(
    await bob.page.locator("#chart .hole").count(),
    await ann.page.locator("#chart .hole").count(),
  );
}

test(
  "demo: the chart of a window whose node is killed has every point, fetched from the next node",
  async () => {
    await using demo = await Demo.start();
    await killNodeOf(
      demo,
      (node) => new RegExp(`^Gap: \\d+ missed ticks? fetched from the history of node ${node}$`),
    );
  },
  TIMEOUT,
);

test(
  "demo --adapter redis: the chart of a window whose node is killed recovers every point on the next node",
  async () => {
    await using redis = await startRedis();
    await using demo = await Demo.startWith({ REDIS_URL: redis.url }, "--adapter", "redis");
    await killNodeOf(demo, () => /^Recovered: \d+ missed ticks? came again, nothing is missing$/);
  },
  TIMEOUT,
);

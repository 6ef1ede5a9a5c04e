import { assertEquals } from "@std/assert";
import { startRedis } from "../../tools/brokers/redis.ts";
import { test } from "../harness.ts";
import { Demo, type DemoWindow } from "./windows.ts";

const TIMEOUT = { timeoutMs: 120_000 };

/** Waits until a window says how the backplane stands. */
async function says(window: DemoWindow, text: string): Promise<void> {
  await window.page.locator("#backplane", { hasText: text }).waitFor();
}

test(
  "demo --adapter redis: while Redis is dead the windows of a node go on, and all get every message when it is back",
  async () => {
    await using redis = await startRedis();
    await using demo = await Demo.startWith({ REDIS_URL: redis.url }, "--adapter", "redis");
    const ann = await demo.open("Ann", 1);
    const bob = await demo.open("Bob", 2);
    const cid = await demo.open("Cid", 1);
    await says(ann, "over redis");
    // The test did not start this broker, so the page must not kill it.
    assertEquals(await ann.page.getByRole("button", { name: "Kill redis" }).count(), 0);
    await ann.say("before");
    await bob.hears("before");
    await ann.hasPeople("Ann node 1", "Bob node 2", "Cid node 1");

    await redis.kill();
    for (const window of [ann, bob, cid]) await says(window, "redis is down");
    await ann.page.getByText("Each node is on its own").waitFor();
    await ann.say("from Ann, alone");
    await cid.hears("from Ann, alone");
    await bob.say("from Bob, alone");
    await bob.hears("from Bob, alone");
    await ann.nodeIs(2, "out of reach");
    await ann.hasPeople("Ann node 1", "Bob out of reach", "Cid node 1");
    // New windows are served too, by a node without clients so far.
    const dan = await demo.open("Dan", 3);
    await says(dan, "redis is down");

    await redis.start();
    for (const window of [ann, bob, cid, dan]) await says(window, "over redis");
    await ann.seesPricesMove(); // their history is in Redis: they stood still meanwhile
    await bob.say("after");
    for (const window of [ann, bob, cid, dan]) {
      for (const text of ["from Ann, alone", "from Bob, alone", "after"]) await window.hears(text);
    }
    await ann.hasPeople("Ann node 1", "Bob node 2", "Cid node 1", "Dan node 3");
    await ann.nodeIs(2, "1 window");
    const order = ["before", "from Ann, alone", "from Bob, alone", "after"];
    for (const window of [ann, bob, cid]) assertEquals(await window.messages(), order);
    assertEquals([...ann.problems, ...bob.problems, ...cid.problems, ...dan.problems], []);
  },
  TIMEOUT,
);

test("a broker that the demo has started can be killed and started on the page", async () => {
  await using demo = await Demo.startWith({ REDIS_URL: "" }, "--adapter", "redis", "--nodes", "2");
  const ann = await demo.open("Ann", 1);
  const bob = await demo.open("Bob", 2);
  await ann.page.getByRole("button", { name: "Kill redis" }).click();
  await says(bob, "redis is down");
  await bob.page.getByRole("button", { name: "Start redis" }).click();
  await says(ann, "over redis");
  await ann.say("there again");
  await bob.hears("there again");
  assertEquals([...ann.problems, ...bob.problems], []);
}, TIMEOUT);

import { assertEquals, assertStringIncludes } from "@std/assert";
import type { HubError } from "../../client/mod.ts";
import { test } from "../harness.ts";
import { connecting, opened, reopened, retried, turn } from "./setup.ts";

const TOPIC = "ticker/ACME";
const messageOf = (error: unknown) => (error as HubError).message;

/** A client of a server that says that a stream is whole, and then leaves out an offset. */
async function holed() {
  const rig = await opened();
  const sub = rig.client.subscribe(TOPIC, () => {});
  await turn();
  const accept = () => rig.server.link.accept(TOPIC, { position: ["e1", 5], recovered: true });
  accept();
  await sub.ready;
  const hole = async () => {
    rig.server.link.say(["rec", TOPIC, 9, { n: 9 }]);
    await turn();
  };
  return { ...rig, sub, accept, hole, subs: () => rig.server.link.sent("sub").length };
}

test("a server that leaves out offsets again and again is asked with growing waits, and reported once", async () => {
  const { client, clock, errors, accept, hole, subs } = await holed();
  await hole();
  assertEquals([subs(), errors], [2, []]); // a single hole is mended at once, in silence
  for (const [i, waitMs] of [250, 500, 1_000, 2_000].entries()) {
    accept();
    await hole();
    clock.advance(waitMs - 1);
    await turn();
    assertEquals(subs(), 2 + i);
    clock.advance(1);
    await turn();
    assertEquals(subs(), 3 + i);
  }
  assertEquals(errors.map(({ info }) => info), [{ stage: "topic", name: TOPIC }]);
  assertStringIncludes(messageOf(errors[0]!.error), TOPIC);
  await client.close();
  assertEquals(clock.pending, 0);
});

test("a hole in a stream that has lasted is mended at once again, and so is one on the next link", async () => {
  const rig = await holed();
  const { client, clock, errors, accept, hole, subs } = rig;
  for (let i = 0; i < 5; i++) {
    await hole();
    assertEquals(subs(), 2 + i);
    accept();
    clock.advance(1_000);
  }
  await reopened(rig);
  accept();
  await hole();
  assertEquals([subs(), errors], [2, []]);
  await client.close();
});

test("many streams with missing messages do not flood onError", async () => {
  const { client, server, errors } = await opened();
  const topics = Array.from({ length: 150 }, (_, i) => `ticker/${i}` as const);
  for (const topic of topics) client.subscribe(topic, () => {});
  await turn();
  for (const topic of topics) {
    for (let i = 0; i < 2; i++) {
      server.link.accept(topic, { position: ["e1", 5], recovered: true });
      server.link.say(["rec", topic, 9, { n: 9 }]);
      await turn();
    }
  }
  assertEquals(errors.length, 101); // 100 kinds, and one report of all others
  await client.close();
});

test("a subscription that ends while its stream waits to be renewed sends nothing any more", async () => {
  const { client, clock, sub, accept, hole, server } = await holed();
  await hole();
  accept();
  await hole();
  sub.unsubscribe();
  const before = server.link.messages.length;
  clock.advance(5_000);
  await turn();
  assertEquals(server.link.messages.length, before);
  await client.close();
});

test("bad payloads of one kind are reported at once, and then once in a while with how many there were", async () => {
  const { client, server, clock, errors } = await opened();
  client.on("message", () => {});
  client.on("dm", () => {});
  client.subscribe("stats", () => {});
  await turn();
  server.link.accept("stats");
  for (let i = 0; i < 50; i++) {
    server.link.say(
      ["ev", "message", { text: 1 }],
      ["ev", "dm", { text: 1 }],
      ["pub", "stats", { n: {} }],
      ["fault", { code: "RATE_LIMITED", message: "Too fast" }, "typing"],
      ["fault", { code: "FORBIDDEN", message: "Not yours" }, "typing"],
      ["fault", { code: "INTERNAL", message: "Sorry" }],
    );
  }
  assertEquals(errors.map(({ info }) => info), [
    { stage: "event", name: "message" },
    { stage: "event", name: "dm" },
    { stage: "topic", name: "stats" },
    { stage: "signal", name: "typing" },
    { stage: "signal", name: "typing" },
    { stage: "connection" },
  ]);
  clock.advance(10_000);
  server.link.say(["ev", "message", { text: 1 }], ["ev", "message", { text: 1 }]);
  assertEquals(errors.length, 7);
  const { code, message } = errors[6]!.error as HubError;
  assertEquals(code, "VALIDATION");
  assertStringIncludes(message, "49 more");
  await client.close();
});

test("errors of listeners are reported every time", async () => {
  const { client, server, errors } = await opened();
  client.on("message", () => {
    throw new Error("mine");
  });
  for (let i = 0; i < 5; i++) server.link.say(["ev", "message", { text: "a" }]);
  assertEquals(errors.length, 5);
  await client.close();
});

test("a server that invents names of faults is not reported with every one", async () => {
  const { client, server, errors } = await opened();
  for (let i = 0; i < 10_000; i++) server.link.say(["fault", { code: `C${i}`, message: "" }, `name ${i}`]);
  assertEquals(errors.length, 101);
  await client.close();
});

test("a server that pings and does not read gets no more pongs than may wait", async () => {
  const { client, server } = await opened({ maxBufferedBytes: 1_000 });
  server.link.bufferedAmount = 1_001;
  server.link.say(["ping"]);
  await turn();
  assertEquals([server.link.sent("pong").length, client.status], [0, "open"]);
  server.link.bufferedAmount = 1_000;
  server.link.say(["ping"]);
  await turn();
  assertEquals(server.link.sent("pong").length, 1);
  await client.close();
});

for (const name of ["confirm", "no such request"]) {
  test(`a server that asks "${name}" and does not read the answers loses the link, and the client reports why`, async () => {
    const { client, server, errors, statuses } = await opened({ maxBufferedBytes: 1_000 });
    client.implement({ confirm: () => ({ yes: true }) });
    server.link.bufferedAmount = 1_001;
    for (let i = 1; i <= 5; i++) server.link.say(["req", i, name, { text: "a" }]);
    await turn();
    assertEquals([server.link.sent("res"), server.link.sent("err")], [[], []]);
    assertEquals([server.link.closedBy?.code, statuses.at(-1)![0]], [4002, "reconnecting"]);
    assertEquals(errors.map(({ info }) => info), [{ stage: "connection" }]);
    assertStringIncludes(messageOf(errors[0]!.error), "maxBufferedBytes");
    await client.close();
  });
}

test("a random that throws is replaced by another, and reported once", async () => {
  const failure = new Error("no entropy");
  const rig = await connecting({
    random: () => {
      throw failure;
    },
  });
  rig.server.link.close();
  await retried(rig);
  rig.server.link.close();
  await retried(rig);
  assertEquals([rig.server.links.length, rig.errors.map(({ error }) => error)], [3, [failure]]);
  await rig.client.close();
});

for (const value of [1, -0.1, NaN, Infinity, "0.5"]) {
  test(`a random that gives ${JSON.stringify(value)} (${value}) is replaced by another, and reported once`, async () => {
    const rig = await connecting({ random: () => value as number });
    for (let i = 0; i < 3; i++) {
      rig.server.link.close();
      const { retryInMs } = rig.statuses.at(-1)![1];
      assertEquals(retryInMs! >= 0 && retryInMs! < 500 * 2 ** i, true);
      rig.clock.advance(retryInMs!);
      await turn();
    }
    assertEquals([rig.server.links.length, rig.errors.length], [4, 1]);
    assertStringIncludes(messageOf(rig.errors[0]!.error), "random");
    await rig.client.close();
  });
}

import { assert, assertEquals } from "@std/assert";
import { FakeClock } from "../fake_clock.ts";
import { waitFor } from "../harness.ts";
import { empty, testOnAdapters } from "../hub/cluster.ts";
import { codeOf, rawClient, turn } from "../hub/wires.ts";

const outbox = { highWaterBytes: 2_000, maxMessages: 50, maxBytes: 100_000 };
const FILLER = "x".repeat(1_000);

testOnAdapters("promise 8: a slow consumer is closed, and holds nothing from then on", async (start) => {
  await using cluster = await start(2, { limits: { outbox } });
  const [a, b] = cluster.nodes;
  const line = a!.loopback.client();
  const slow = await rawClient(line);
  const quick = await a!.member();
  const heard: string[] = [];
  quick.on("dm", ({ text }) => heard.push(text));
  line.pause();
  for (let n = 0; n < 40; n++) {
    b!.hub.forRole("member").emit("dm", { text: `${n} ${FILLER}` });
    await turn();
  }
  await waitFor(() => heard.length === 40, { what: "the quick one" });
  assert(a!.hub.stats().held > 0);
  assertEquals(a!.hub.stats().connections, 2);
  for (let n = 40; n < 100; n++) {
    b!.hub.forRole("member").emit("dm", { text: `${n} ${FILLER}` });
    await turn();
  }
  await waitFor(() => heard.length === 100, { what: "the quick one" });
  await waitFor(() => a!.hub.stats().connections === 1, { what: "the slow one to be closed" });
  assertEquals(a!.hub.stats().held, 0);
  line.resume();
  await waitFor(() => slow.closed, { what: "the slow one to learn" });
  assertEquals(slow.closed?.code, 4002);
  await quick.close();
  await empty(...cluster.nodes);
});

testOnAdapters("promise 8: bytes are bounded as messages are", async (start) => {
  const limits = { outbox: { ...outbox, maxMessages: 10_000, maxBytes: 5_000 } };
  await using cluster = await start(1, { limits });
  const [a] = cluster.nodes;
  const line = a!.loopback.client();
  await rawClient(line);
  line.pause();
  for (let n = 0; n < 20; n++) {
    a!.hub.forRole("member").emit("dm", { text: FILLER });
    await turn();
  }
  await waitFor(() => a!.hub.stats().connections === 0, { what: "the slow one to be closed" });
  await empty(a!);
});

testOnAdapters("promise 8: a burst far beyond the bounds is not waited for", async (start) => {
  const clock = new FakeClock(); // which stands still: no time of grace passes
  await using cluster = await start(1, { clock, limits: { outbox } });
  const [a] = cluster.nodes;
  const line = a!.loopback.client();
  await rawClient(line);
  line.pause();
  let most = 0;
  for (let n = 0; n < 100 * outbox.maxMessages; n++) {
    a!.hub.forRole("member").emit("dm", { text: FILLER });
    if (n % 10 === 9) await turn();
    most = Math.max(most, a!.hub.stats().held);
    if (a!.hub.stats().connections === 0) break;
  }
  assert(most < 10 * outbox.maxMessages, `${most} messages were held`);
  await empty(a!);
});

testOnAdapters(
  "promise 8: by policy the oldest events are dropped instead, never answers or history",
  async (start) => {
    await using cluster = await start(1, { limits: { outbox }, slowConsumer: "drop" });
    const [a] = cluster.nodes;
    const line = a!.loopback.client();
    const slow = await rawClient(line);
    slow.say(["sub", 1, "stats"], ["sub", 2, "log/x"]);
    await waitFor(() => slow.heard.filter(([kind]) => kind === "res").length === 2, { what: "the topics" });
    line.pause();
    for (let n = 0; n < 5; n++) a!.hub.forRole("member").emit("dm", { text: FILLER });
    await turn(); // the link is full from here on
    slow.say(["req", 3, "say", { room: "nowhere", text: "" }]);
    await turn();
    await a!.hub.publish("log/x", { n: 1 });
    for (let n = 0; n < 500; n++) a!.hub.publish("stats", { n });
    await turn();
    await waitFor(() => a!.hub.stats().held <= outbox.maxMessages, { what: "the surplus to be dropped" });
    assertEquals(a!.hub.stats().connections, 1);
    line.resume();
    await turn();
    const late = slow.heard.slice(slow.heard.findIndex(([kind]) => kind === "ev") + 5);
    assertEquals(late[0], ["res", 3, { id: "1" }]);
    assertEquals(late[1], ["rec", "log/x", 1, { n: 1 }]);
    const kept = outbox.maxMessages - 2;
    assertEquals(
      late.slice(2).map(([, , payload]) => (payload as { n: number }).n),
      Array.from({ length: kept }, (_, i) => 500 - kept + i),
    );
    assertEquals(a!.hub.stats().held, 0);

    // What must not be dropped ends the connection when there is too much of it.
    line.pause();
    for (let n = 0; n < 5; n++) a!.hub.forRole("member").emit("dm", { text: FILLER });
    await turn();
    for (let n = 0; n < 2 * outbox.maxMessages; n++) await a!.hub.publish("log/x", { n });
    await turn();
    await waitFor(() => a!.hub.stats().connections === 0, { what: "the slow one to be closed" });
    assertEquals(a!.hub.stats().held, 0);
  },
);

testOnAdapters("promise 8: a topic that conflates holds the latest of each key, in order", async (start) => {
  await using cluster = await start(2, { limits: { outbox } });
  const [a, b] = cluster.nodes;
  const line = a!.loopback.client();
  const slow = await a!.member(undefined, { transport: line });
  const heard: string[] = [];
  const sub = slow.subscribe("latest/x", ({ key, n }) => heard.push(`${key}${n}`));
  await sub.ready;
  line.pause();
  for (let n = 0; n < 5; n++) a!.hub.forRole("member").emit("dm", { text: FILLER });
  await turn();
  for (let n = 0; n < 1_000; n++) {
    for (const key of ["a", "b", "c"]) if (key !== "c" || n < 900) b!.hub.publish("latest/x", { key, n });
    if (n % 100 === 0) await turn();
  }
  b!.hub.publish("latest/x", { key: "end", n: 0 });
  await waitFor(() => a!.hub.stats().held === 4, { what: "everything to be conflated" });
  line.resume();
  await waitFor(() => heard.includes("end0"), { what: "the end" });
  assertEquals(heard.slice(-4), ["c899", "a999", "b999", "end0"]);
  assertEquals(slow.status, "open");
  b!.hub.publish("latest/x", { key: "a", n: 1_000 });
  await waitFor(() => heard.at(-1) === "a1000", { what: "what comes after" });
  assertEquals([a!.hub.stats().held, heard.length < 20], [0, true]);
});

testOnAdapters(
  "promise 8: the requests of a client are limited, and their memory is free again when it is gone",
  async (start) => {
    const limits = { maxSubscriptions: 5, maxPendingRequests: 5 };
    await using cluster = await start(1, { limits });
    const [a] = cluster.nodes;
    const client = await rawClient(a!.loopback.client());
    for (let n = 1; n <= 7; n++) client.say(["sub", n, `ticker/${n}`]);
    for (let n = 11; n <= 17; n++) client.say(["req", n, "fail", { how: "never" }]);
    // Five topics are live and four calls are refused, after the welcome.
    await waitFor(() => client.heard.length === 1 + 5 + 4, { what: "all answers" });
    const refused = (from: number) =>
      client.heard.filter(([kind, id]) => kind === "err" && (id as number) >= from).map(([, id, error]) => [
        id,
        (error as { code: string }).code,
      ]);
    assertEquals(refused(1), [[6, "RATE_LIMITED"], [7, "RATE_LIMITED"], [16, "RATE_LIMITED"], [
      17,
      "RATE_LIMITED",
    ]]);
    assertEquals([a!.hub.stats().subscriptions, a!.hub.stats().handling], [5, 5]);
    client.say(["unsub", "ticker/1"], ["cancel", 11]);
    client.say(["sub", 20, "ticker/20"], ["req", 21, "fail", { how: "never" }]);
    await turn();
    assertEquals(refused(18), []);

    const ann = await a!.member();
    ann.implement({ confirm: () => new Promise(() => {}) });
    const asked = Array.from(
      { length: 7 },
      () => codeOf(() => a!.hub.connection(ann.connectionId!).request("confirm", { question: "?" })),
    );
    await turn();
    assertEquals(a!.hub.stats().asking, 5);
    client.leave();
    await ann.close();
    assertEquals((await Promise.all(asked)).sort(), [
      ...Array(5).fill("DISCONNECTED"),
      ...Array(2).fill("RATE_LIMITED"),
    ]);
    await empty(a!);
  },
);

testOnAdapters("promise 8: histories are bounded in number, size and time", async (start) => {
  const clock = new FakeClock();
  await using cluster = await start(1, { clock, limits: { maxHistories: 10 } });
  const [a] = cluster.nodes;
  const ann = await a!.member();
  const heard: number[] = [];
  await ann.subscribe("log/used", ({ n }) => heard.push(n)).ready;
  for (let n = 0; n < 100; n++) {
    await a!.hub.publish("log/used", { n });
    await a!.hub.publish(`log/${n}`, { n });
  }
  assertEquals(a!.hub.stats().histories, 10);
  assertEquals((await a!.hub.history("log/used")).records.length, 8);
  assertEquals((await a!.hub.history("log/used")).last, 100); // the one in use did not have to make room
  assertEquals((await a!.hub.history("log/99")).records.length, 1);
  assertEquals((await a!.hub.history("log/1")).records.length, 0);
  await ann.close();
  clock.advance(60_001);
  clock.advance(10_000);
  await empty(a!);
});

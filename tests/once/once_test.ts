import { assert, assertEquals } from "@std/assert";
import { createMemoryHistory, HubError } from "@trunkline/hub";
import { FakeClock } from "../fake_clock.ts";
import { test, waitFor } from "../harness.ts";
import { laterStore } from "../history/later_store.ts";
import { codeOf, rawClient, rejection, turn } from "../hub/wires.ts";
import { openBank } from "./bank.ts";

const payment = { to: "bob", amount: 7 };
/** An id that cannot be guessed. */
const SECRET = "3f0c7b1e-5d1c-4b7e";
/** For hubs whose clock is moved by hand. */
const STILL = { heartbeatMs: 1e9, limits: { handshakeTimeoutMs: 1e9 } };

/** Where what was done is remembered. */
const STORES = [() => undefined, () => createMemoryHistory(), () => laterStore(createMemoryHistory())];

test("once: the same id is done once, and answered each time, also together and with an answer of bytes", async () => {
  for (const createStore of STORES) {
    await using scene = await openBank(1, { history: createStore() });
    scene.pay = async (_, { id }) => (await turn(), { id, bytes: new Uint8Array([1, 2]) });
    const [here, there] = [await scene.customer(), await scene.customer()];
    const pay = (client = here) => client.request("pay", payment, { id: "order 7" });
    const expected = { receipt: 1, note: { id: "order 7", bytes: new Uint8Array([1, 2]) } };
    assertEquals(await Promise.all([pay(), pay(), pay(there)]), [expected, expected, expected]);
    assertEquals(await pay(there), expected);
    const reordered = JSON.parse('{"amount":7,"to":"bob"}');
    assertEquals(await here.request("pay", reordered, { id: "order 7" }), expected);
    assertEquals([scene.paid.length, scene.branches[0]!.hub.stats().remembered], [1, 1]);
    assertEquals((await here.request("pay", payment)).receipt, 2); // without an id nothing is remembered
    assertEquals(scene.errors, []);
  }
});

test("once: an id is a user's own, for each request; with another input it is refused", async () => {
  for (const createStore of STORES) {
    await using scene = await openBank(1, { history: createStore() });
    const [ann, bob] = [await scene.customer("ann"), await scene.customer("bob")];
    await ann.request("pay", payment, { id: "order 7" });
    await bob.request("pay", payment, { id: "order 7" });
    await ann.request("order", payment, { id: "order 7" });
    assertEquals(scene.paid.length, 3);
    const error = await rejection(ann.request("pay", { to: "eve", amount: 7 }, { id: "order 7" }));
    assertEquals([error.code, /"pay".*another input/.test(error.message)], ["BAD_REQUEST", true]);
    assertEquals(scene.paid.length, 3);
  }
});

test("once: clients without a user share their ids, and need ids that cannot be guessed", async () => {
  await using scene = await openBank(1);
  const client = await scene.customer("");
  const error = await rejection(client.request("pay", payment, { id: "order 7" }));
  assertEquals([error.code, /16 to 256 .*impossible to guess/.test(error.message)], ["BAD_REQUEST", true]);
  await client.request("pay", payment, { id: SECRET });
  await (await scene.customer("")).request("pay", payment, { id: SECRET });
  assertEquals(scene.paid.length, 1);
});

test("once: an id that cannot be one is refused, at the sender or by the hub", async () => {
  await using scene = await openBank(1);
  const client = await scene.customer();
  for (const id of ["", 7, null]) {
    assert(await rejection(client.request("pay", payment, { id: id as string })) instanceof TypeError);
  }
  for (const id of ["x".repeat(257), "half \ud83d of a pair"]) {
    assertEquals(await codeOf(() => client.request("pay", payment, { id })), "BAD_REQUEST");
  }
  const raw = await rawClient(scene.branches[0]!.line, { role: "customer", token: "ann" });
  raw.say(["once", 1, "pay", "", payment]);
  raw.say(["once", 2, "pay", "k", { to: 5 }]);
  raw.say(["once", 3, "nothing", "k", payment]);
  const codes = () =>
    raw.heard.filter(([kind]) => kind === "err").map(([, id, error]) => [id, (error as HubError).code]);
  await waitFor(() => codes().length === 3, { what: "the refusals" });
  assertEquals(codes(), [[1, "BAD_REQUEST"], [2, "VALIDATION"], [3, "NOT_FOUND"]]);
  raw.say(["once", 4, "pay", 7, payment]);
  await waitFor(() => raw.closed, { what: "the end of the connection" });
  assertEquals([raw.closed!.code, scene.paid.length, scene.branches[0]!.hub.stats().remembered], [
    4500,
    0,
    0,
  ]);
});

test("once: an error of a handler is stored as its answer, and reported once", async () => {
  for (const createStore of STORES) {
    await using scene = await openBank(1, { history: createStore() });
    const client = await scene.customer();
    const thrown = [new HubError("POOR", "Too little money", { data: { has: 3 } }), new Error("hunter2")];
    for (const [i, error] of thrown.entries()) {
      scene.pay = () => Promise.reject(error);
      const pay = () => rejection(client.request("pay", payment, { id: `order ${i}` }));
      const [first, second] = [await pay(), await pay()];
      const code = i === 0 ? "POOR" : "INTERNAL";
      assertEquals([first.code, second.code, first.message === second.message], [code, code, true]);
      assertEquals(second.data, i === 0 ? { has: 3 } : undefined);
    }
    scene.pay = () => () => {}; // it fits the contract, and cannot travel
    assertEquals(await codeOf(() => client.request("pay", payment, { id: "odd" })), "INTERNAL");
    assertEquals(await codeOf(() => client.request("pay", payment, { id: "odd" })), "INTERNAL");
    assertEquals([scene.paid.length, scene.errors.map(({ info }) => info.stage)], [3, ["handler", "output"]]);
  }
});

test("once: an answer that gets lost with its connection is given on the next one, without the application", async () => {
  for (const createStore of STORES) {
    await using scene = await openBank(1, { history: createStore() });
    const [branch] = scene.branches;
    const client = await scene.customer();
    let aborted = false;
    scene.pay = async (_, { signal }) => {
      branch!.line.sever(); // after it was asked, and before it answers
      await waitFor(() => client.status === "open", { what: "the client to be back" });
      aborted = signal.aborted;
      return "paid";
    };
    assertEquals(await client.request("pay", payment, { id: "order 7" }), { receipt: 1, note: "paid" });
    assertEquals([scene.paid.length, aborted], [1, false]);
    scene.pay = () => branch!.line.sever();
    assertEquals(await codeOf(() => client.request("pay", payment)), "DISCONNECTED"); // without an id
    await waitFor(() => client.status === "open", { what: "the client to be back" });
    scene.pay = () => "late";
    branch!.line.refuse(true);
    branch!.line.sever();
    await waitFor(() => client.status === "reconnecting", { what: "the client to notice" });
    const late = client.request("pay", payment, { id: "order 8", timeoutMs: 20 });
    assertEquals(await codeOf(() => late), "TIMEOUT");
    branch!.line.refuse(false);
  }
});

test("once: a client that gives up does not stop its request with an id", async () => {
  for (const createStore of STORES) {
    await using scene = await openBank(1, { history: createStore() });
    const [branch] = scene.branches;
    const client = await scene.customer();
    const { promise, resolve } = Promise.withResolvers<string>();
    let signal: AbortSignal | undefined;
    scene.pay = (_, context) => (signal = context.signal, promise);
    const aborter = new AbortController();
    const given = codeOf(() => client.request("pay", payment, { id: "order 7", timeoutMs: 20 }));
    const taken = client.request("pay", payment, { id: "order 7", signal: aborter.signal }).catch((e) => e);
    await waitFor(() => scene.paid.length === 1, { what: "the payment to begin" });
    aborter.abort("enough");
    assertEquals([await given, await taken], ["TIMEOUT", "enough"]);
    await waitFor(() => branch!.hub.stats().handling === 0, { what: "all waits to end" });
    assertEquals(signal!.aborted, false);
    const again = client.request("pay", payment, { id: "order 7" });
    resolve("paid");
    assertEquals([await again, scene.paid.length], [{ receipt: 1, note: "paid" }, 1]);
  }
});

test("once: two requests with one id on two nodes at once are done by one of them", async () => {
  for (const createStore of STORES.slice(1)) {
    await using scene = await openBank(2, { history: createStore() });
    const [a, b] = scene.branches;
    const [here, there] = [
      await scene.customer("ann", { url: a!.url }),
      await scene.customer("ann", { url: b!.url }),
    ];
    for (let n = 0; n < 10; n++) {
      scene.pay = async () => (await turn(), n);
      const pay = [here, there].map((client) => client.request("pay", payment, { id: `order ${n}` }));
      const expected = { receipt: n + 1, note: n };
      assertEquals(await Promise.all(pay), [expected, expected]);
      const other = [here, there].map((client) =>
        codeOf(() => client.request("pay", { ...payment, amount: 8 }, { id: `order ${n}` }))
      );
      assertEquals(await Promise.all(other), ["BAD_REQUEST", "BAD_REQUEST"]);
    }
    assertEquals([scene.paid.length, scene.errors], [10, []]);
  }
});

test("once: a client that loses its node gets the answer from another one", async () => {
  await using scene = await openBank(2, { history: laterStore(createMemoryHistory()) });
  const [a, b] = scene.branches;
  b!.line.refuse(true);
  const client = await scene.customer();
  scene.pay = async () => {
    b!.line.refuse(false);
    a!.line.refuse(true);
    a!.line.sever();
    await waitFor(() => client.nodeId === b!.hub.nodeId, { what: "the client to be elsewhere" });
    return "paid";
  };
  assertEquals(await client.request("pay", payment, { id: "order 7" }), { receipt: 1, note: "paid" });
  assertEquals([scene.paid.length, client.nodeId], [1, b!.hub.nodeId]);
});

test("once: without a store that all share nothing is sent to another node, which could not know", async () => {
  await using scene = await openBank(2);
  const [a, b] = scene.branches;
  b!.line.refuse(true);
  const client = await scene.customer();
  scene.pay = () => {
    b!.line.refuse(false);
    a!.line.refuse(true);
    a!.line.sever();
  };
  assertEquals(await codeOf(() => client.request("pay", payment, { id: "order 7" })), "DISCONNECTED");
  assertEquals(scene.paid.length, 1);
});

test("once: if a node died during a request, the others say so in bounded time, and do not do it again", async () => {
  const clock = new FakeClock();
  await using scene = await openBank(2, {
    ...STILL,
    clock,
    history: laterStore(createMemoryHistory()),
    cluster: { joinTimeoutMs: 0 },
  });
  const [a, b] = scene.branches;
  const { promise: never } = Promise.withResolvers();
  scene.pay = () => never;
  const here = await scene.customer("ann", { url: a!.url });
  const there = await scene.customer("ann", { url: b!.url });
  const lost = codeOf(() => here.request("pay", payment, { id: "order 7" }));
  await waitFor(() => scene.paid.length === 1, { what: "the payment to begin" });
  const again = codeOf(() => there.request("pay", payment, { id: "order 7", timeoutMs: 1e6 }));
  const closing = Promise.all([here.close(), a!.hub.close()]);
  await waitFor(async () => (clock.advance(500), await Promise.race([again, turn()])), {
    what: "the answer",
  });
  assertEquals(await again, "UNCERTAIN");
  assertEquals([await lost, scene.paid.length], ["DISCONNECTED", 1]);
  await waitFor(async () => (clock.advance(500), await Promise.race([closing.then(() => true), turn()])));
  clock.advance(1e6);
});

test("once: while the store is down nothing is done; when it is back the same id is done, and waiting requests keep their order", async () => {
  const history = laterStore(createMemoryHistory());
  await using scene = await openBank(1, { history });
  const client = await scene.customer();
  history.state = "down";
  const error = await rejection(client.request("pay", payment, { id: "order 7" }));
  assertEquals([error.code, /"pay" now.*not done/.test(error.message)], ["UNAVAILABLE", true]);
  assertEquals([scene.paid.length, scene.branches[0]!.hub.stats().remembered], [0, 0]);
  history.state = "hangs";
  const paying = client.request("pay", payment, { id: "order 7" });
  const pings = [client.request("ping", 1), client.request("ping", 2)];
  await waitFor(() => history.waiting > 0, { what: "the hub to ask the store" });
  await turn();
  assertEquals(scene.pinged, []);
  scene.pay = () => [...scene.pinged];
  history.release();
  assertEquals(await paying, { receipt: 1, note: [] });
  await Promise.all(pings);
  assertEquals(scene.pinged, [1, 2]);
});

test("once: an answer too large to be stored goes to the waiting callers, and later callers are told that it was too large", async () => {
  for (const createStore of STORES) {
    await using scene = await openBank(2, { history: createStore() });
    const [a, b] = scene.branches;
    const here = await scene.customer("ann", { url: a!.url });
    const note = "x".repeat(64 * 1024);
    scene.pay = () => note;
    assertEquals((await here.request("pay", payment, { id: "order 7" })).note.length, note.length);
    const clients = createStore() ? [here, await scene.customer("ann", { url: b!.url })] : [here];
    for (const client of clients) {
      const error = await rejection(client.request("pay", payment, { id: "order 7" }));
      assertEquals([error.code, /was done/.test(error.message)], ["TOO_LARGE", true]);
    }
    assertEquals(scene.paid.length, 1);
  }
});

test("once: ids that a client invents use up only the share of its user, and are forgotten in time, not before", async () => {
  const clock = new FakeClock();
  const limits = { ...STILL.limits, maxRequestIds: 20, maxRequestIdBytes: 2_000, requestIdMs: 60_000 };
  await using scene = await openBank(1, { ...STILL, clock, limits });
  const [eve, ann] = [await scene.customer("eve"), await scene.customer("ann")];
  const pay = (client: typeof eve, id: string) => codeOf(() => client.request("pay", payment, { id }));
  assertEquals([await pay(eve, "1"), await pay(eve, "2"), await pay(eve, "3")], [
    "no error",
    "no error",
    "RATE_LIMITED",
  ]);
  assertEquals([await pay(eve, "1"), await pay(ann, "1")], ["no error", "no error"]);
  scene.pay = () => "x".repeat(200); // more than a share of the bytes
  assertEquals([await pay(ann, "2"), await pay(ann, "2")], ["no error", "TOO_LARGE"]);
  scene.pay = () => "paid";
  for (let i = 0; i < 8; i++) for (const id of ["1", "2"]) await pay(await scene.customer(`user ${i}`), id);
  assertEquals(await pay(await scene.customer("late"), "1"), "UNAVAILABLE");
  const before = scene.paid.length;
  clock.advance(59_999);
  assertEquals([await pay(eve, "2"), await pay(eve, "3"), scene.paid.length], [
    "no error",
    "RATE_LIMITED",
    before,
  ]);
  clock.advance(1);
  assertEquals([await pay(eve, "3"), scene.paid.length], ["no error", before + 1]);
  clock.advance(70_000);
  assertEquals(scene.branches[0]!.hub.stats().remembered, 0);
});

test("once: a handler that never ends is aborted when the hub closes, and leaves nothing behind", async () => {
  for (const createStore of STORES) {
    await using scene = await openBank(1, { history: createStore() });
    const [branch] = scene.branches;
    const client = await scene.customer();
    let reason: HubError | undefined;
    scene.pay = (_, { signal }) =>
      new Promise((_, reject) =>
        signal.addEventListener("abort", () => reject(reason = signal.reason as HubError))
      );
    const lost = codeOf(() => client.request("pay", payment, { id: "order 7" }));
    await waitFor(() => scene.paid.length === 1, { what: "the payment to begin" });
    await Promise.all([client.close(), branch!.hub.close()]);
    assertEquals([reason?.code, await lost, branch!.hub.stats().remembered], [
      "DISCONNECTED",
      "DISCONNECTED",
      0,
    ]);
  }
});

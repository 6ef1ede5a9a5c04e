import { assert, assertEquals } from "@std/assert";
import { HubError } from "@trunkline/hub";
import { waitFor } from "../harness.ts";
import { opcode, RawClient } from "../transports/raw_client.ts";
import { hostileTest, Intruder } from "./scene.ts";

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

hostileTest(
  "a client that sends faster than allowed is refused message by message, then disconnected",
  async ({ enter }) => {
    const intruder = await enter();
    intruder.send(...range(30).map((id) => ["req", id, "echo", id]));
    await intruder.hears("err", 30);
    for (const id of range(30)) {
      if (id <= 20) await intruder.hears("res", id);
      else assertEquals((await intruder.hears("err", id))[2].code, "RATE_LIMITED");
    }
    intruder.send(...range(5).map(() => ["sig", "any", 1]), ["sub", 31, "open/1"]);
    await waitFor(() => intruder.heard.filter(([kind]) => kind === "fault").length === 5, {
      what: "five faults",
    });
    assertEquals((await intruder.hears("err", 31))[2].code, "RATE_LIMITED");
    intruder.send(...range(20).map(() => ["pong"]));
    assertEquals((await intruder.closed()).code, 4005);
  },
  { limits: { messagesPerSecond: 0.001, messageBurst: 20 } },
);

hostileTest(
  "a client cannot subscribe to more topics than allowed, also while rules are still deciding",
  async (scene) => {
    const { enter, hub } = scene;
    const intruder = await enter();
    const ids = range(200);
    intruder.send(...ids.map((id) => ["sub", id, `open/${id}`]));
    await intruder.hears("err", 200);
    for (const id of ids.slice(5)) assertEquals((await intruder.hears("err", id))[2].code, "RATE_LIMITED");
    assertEquals(hub.stats().subscriptions, 5);
    intruder.send(["unsub", "open/1"], ["sub", 201, "open/201"]);
    await intruder.hears("res", 201);

    const undecided = await enter();
    for (const id of range(200)) undecided.send(["sub", id, `slow/${id}`], ["unsub", `slow/${id}`]);
    await undecided.proveAlive();
    assert(deciding.most <= 5, `${deciding.most} decisions were under way`);
    deciding.release.resolve();
  },
  {
    limits: { maxSubscriptions: 5 },
    authorize: {
      "slow/:id": async () => {
        deciding.most = Math.max(deciding.most, ++deciding.now);
        await deciding.release.promise;
        deciding.now--;
        return true;
      },
    },
  },
);
const deciding = { now: 0, most: 0, release: Promise.withResolvers<void>() };

hostileTest(
  "no more requests and signals of one connection are handled at once than allowed",
  async (scene) => {
    const { enter, hub } = scene;
    const intruder = await enter();
    intruder.send(...range(20).map((id) => ["req", id, "wait", {}]));
    await intruder.hears("err", 20);
    for (const id of range(20).slice(5)) {
      assertEquals(
        (await intruder.hears("err", id))[2].code,
        "RATE_LIMITED",
      );
    }
    intruder.send(...range(20).map(() => ["sig", "dawdle", 1]));
    await waitFor(() => intruder.heard.filter(([kind]) => kind === "fault").length === 15, {
      what: "15 faults",
    });
    for (const message of intruder.heard) {
      if (message[0] === "fault") {
        assertEquals(message[1].code, "RATE_LIMITED");
      }
    }
    assertEquals(hub.stats().handling, 10);
    intruder.send(...range(5).map((id) => ["cancel", id]));
    await waitFor(() => hub.stats().handling === 5, { what: "the requests to be taken back" });
  },
  { limits: { maxPendingRequests: 5 } },
);

hostileTest(
  "cancelled requests still count as long as their handlers work",
  async ({ enter, stubborn }) => {
    const intruder = await enter();
    for (const id of range(100)) intruder.send(["req", id, "stubborn", {}], ["cancel", id]);
    await intruder.hears("err", 100);
    assertEquals(stubborn.most, 5);
  },
  { limits: { maxPendingRequests: 5 } },
);

hostileTest(
  "a client that never sends hello is closed in time, however slowly it sends",
  async ({ intrude, hub }) => {
    const silent = await intrude();
    const dripping = await intrude();
    const unfinished = await intrude();
    const pinging = await intrude();
    dripping.raw.send(opcode.text, '[["hel', { announced: 1_000 });
    unfinished.raw.send(opcode.text, '[["hello",', { unfinished: true });
    const drip = setInterval(() => {
      if (!dripping.raw.gone) dripping.raw.socket.write("x");
      if (!pinging.raw.gone) pinging.raw.send(opcode.ping, "x");
    }, 10);
    try {
      assertEquals(hub.stats().handshakes, 4);
      await waitFor(() => hub.stats().handshakes === 0, { what: "the handshakes to be given up" });
      for (const intruder of [silent, pinging]) assertEquals((await intruder.closed()).code, 4003);
    } finally {
      clearInterval(drip);
    }
  },
  { limits: { handshakeTimeoutMs: 150 } },
);

hostileTest(
  "an authentication that never ends is given up in time, and its signal aborted",
  async (scene) => {
    const intruder = await scene.intrude();
    intruder.send(["hello", { role: "member", token: "for ever" }]);
    assertEquals((await intruder.closed()).code, 4003);
    await waitFor(() => aborted.includes("for ever"), { what: "the signal" });
    const leaving = await scene.intrude();
    leaving.send(["hello", { role: "member", token: "leaving" }]);
    await waitFor(() => authenticating.includes("leaving"), { what: "the authentication" });
    leaving.raw.reset();
    await waitFor(() => aborted.includes("leaving"), { what: "the signal of the client that left" });
    assertEquals([scene.hub.stats().connections, scene.hub.stats().handshakes], [1, 0]);
  },
  {
    limits: { handshakeTimeoutMs: 200 },
    authenticate: ({ role, token, signal }) => {
      if (token === "neighbour") return { role };
      authenticating.push(token);
      signal.addEventListener("abort", () => aborted.push(token));
      return new Promise(() => {});
    },
  },
);
const authenticating: unknown[] = [];
const aborted: unknown[] = [];

/** Opens many connections at once, and tells how each was answered. */
async function knock(port: number, count: number, headers: Record<string, string> = {}): Promise<Intruder[]> {
  return await Promise.all(
    range(count).map(async () =>
      new Intruder(
        await RawClient.open(port, {
          headers: { "Sec-WebSocket-Protocol": "trunkline.v1.json", ...headers },
        }),
      )
    ),
  );
}

hostileTest(
  "one address opens no more connections than allowed, and others are not concerned",
  async (scene) => {
    const { port, hub } = scene;
    const flood = await knock(port, 40, { "X-Test-Address": "10.0.0.1" });
    try {
      const accepted = flood.filter(({ raw }) => raw.status === 101);
      for (const { raw } of flood) if (raw.status !== 101) assertEquals(raw.status, 429);
      await waitFor(
        () =>
          accepted.filter(({ closing }) => closing === undefined).length <= 3 && hub.stats().handshakes === 3,
        { what: "no more than three to stay" },
      );
      for (const { closing } of accepted) if (closing) assertEquals(closing.code, 4004);
      assertEquals(hub.stats().limited, 2, "the flood's and the neighbour's address; users have no limit");
      await (await scene.enter()).proveAlive();
    } finally {
      await Promise.all(flood.map(({ raw }) => raw.destroy()));
    }
    await waitFor(() => hub.stats().handshakes === 0, { what: "the flood to be gone" });
    const [again] = await knock(port, 1, { "X-Test-Address": "10.0.0.1" });
    assertEquals(again!.raw.status, 101);
    await again!.raw.destroy();
  },
  {
    limits: { maxConnectionsPerAddress: 3 },
    address: (request, peer) => request.headers.get("x-test-address") ?? peer,
  },
);

hostileTest(
  "a full node refuses before any upgrade, and accepts others when there is room",
  async (scene) => {
    const { port, hub } = scene;
    const inside = await knock(port, 4);
    try {
      const [outside] = await knock(port, 1);
      assertEquals([outside!.raw.status, outside!.raw.header("retry-after")], [503, "5"]);
      await outside!.raw.destroy();
    } finally {
      await Promise.all(inside.map(({ raw }) => raw.destroy()));
    }
    await waitFor(() => hub.stats().handshakes === 0, { what: "room" });
    await (await scene.enter()).proveAlive();
  },
  { limits: { maxConnections: 5 } },
);

hostileTest(
  "one user has no more connections than allowed, and the user's others stay",
  async ({ intrude, hub }) => {
    const hello = { role: "member", token: "many" };
    const [one, two] = [await (await intrude()).enter(hello), await (await intrude()).enter(hello)];
    const third = await intrude();
    third.send(["hello", hello]);
    assertEquals((await third.closed()).code, 4004);
    assertEquals((await third.hears("fault"))[1].code, "RATE_LIMITED");
    for (const intruder of [one, two]) await intruder.proveAlive();
    two.raw.reset();
    await waitFor(() => hub.stats().connections === 2, { what: "one of them to be gone" });
    await (await (await intrude()).enter(hello)).proveAlive();
  },
  { limits: { maxConnectionsPerUser: 2 } },
);

const BLOCK = "x".repeat(20_000);

hostileTest(
  "a client that never reads is closed, and its queue is dropped",
  async (scene) => {
    const { hub, neighbour, enter } = scene;
    const intruder = await enter();
    intruder.send(["sub", 1, "open/flood"]);
    await intruder.hears("res", 1);
    const got: unknown[] = [];
    await neighbour.subscribe("open/flood", (value) => got.push(value)).ready;
    intruder.raw.socket.pause();
    let published = 0;
    // A megabyte per turn, for as long as the kernel takes it.
    while (hub.stats().connections === 2) {
      for (let i = 0; i < 50; i++) hub.publish("open/flood", `${published++} ${BLOCK}`);
      await waitFor(() => got.length === published, { what: "the neighbour to keep up", timeoutMs: 10_000 });
      assert(published < 20_000, "a client that reads nothing was sent 400 MB");
      assert(hub.stats().held <= 8 * 100);
    }
    assertEquals(hub.stats().held, 0);
    assertEquals((got as string[]).map((text) => parseInt(text)), range(published).map((n) => n - 1));
  },
  { limits: { outbox: { maxMessages: 100, maxBytes: 2_000_000, highWaterBytes: 100_000 } } },
  { timeoutMs: 60_000 },
);

hostileTest(
  "a client that never reads loses only messages that may be dropped, if that is the policy",
  async (scene) => {
    const { hub, neighbour, enter } = scene;
    const intruder = await enter();
    intruder.send(["sub", 1, "open/flood"]);
    await intruder.hears("res", 1);
    const got: unknown[] = [];
    await neighbour.subscribe("open/flood", (value) => got.push(value)).ready;
    intruder.raw.socket.pause();
    let published = 0;
    for (let beyond = 0; beyond < 20; beyond += hub.stats().held > 50 ? 1 : 0) {
      for (let i = 0; i < 50; i++) hub.publish("open/flood", `${published++} ${BLOCK}`);
      await waitFor(() => got.length === published, { what: "the neighbour to keep up", timeoutMs: 10_000 });
      assert(published < 20_000, "nothing was ever held");
      assert(hub.stats().held <= 8 * 100);
    }
    await waitFor(() => hub.stats().held <= 100, { what: "the queue to be within its bounds again" });
    assertEquals(hub.stats().connections, 2);
    intruder.raw.socket.resume();
    await intruder.proveAlive();
    const numbers = intruder.heard.flatMap((message) =>
      message[0] === "pub" ? [parseInt(message[2] as string)] : []
    );
    assert(numbers.length < published, "nothing was dropped");
    assertEquals(numbers, [...numbers].sort((a, b) => a - b));
    assertEquals(numbers.at(-1), published - 1);
  },
  {
    slowConsumer: "drop",
    limits: { outbox: { maxMessages: 100, maxBytes: 2_000_000, highWaterBytes: 100_000 } },
  },
  { timeoutMs: 60_000 },
);

hostileTest(
  "handlers and schemas that throw do no harm to other clients, and do not reveal the cause",
  async ({ enter, errors }) => {
    const intruder = await enter();
    intruder.send(["sub", 1, "secret/thrown"]);
    assertEquals((await intruder.hears("err", 1))[2], {
      code: "INTERNAL",
      message: "Internal error, see onError of the server",
    });
    const [reported] = errors.splice(0);
    assertEquals((reported?.error as Error).message, "the password is hunter2");
    intruder.send(["sub", 2, "secret/known"]);
    assertEquals((await intruder.hears("err", 2))[2], {
      code: "PAY_FIRST",
      message: "Pay",
      data: { price: 1 },
    });
    await intruder.proveAlive();
  },
  {
    authorize: {
      "secret/:id": ({ params }) => {
        if (params.id === "known") throw new HubError("PAY_FIRST", "Pay", { data: { price: 1 } });
        throw new Error("the password is hunter2");
      },
    },
  },
);

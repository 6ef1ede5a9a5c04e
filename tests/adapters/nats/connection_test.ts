import { assert, assertEquals, assertRejects } from "@std/assert";
import { connect as connectV3 } from "@nats-io/transport-node";
import { connect as connectV2 } from "nats";
import { createHub } from "@trunkline/hub";
import { defineContract } from "@trunkline/hub/contract";
import { createLoopbackTransport } from "@trunkline/hub/transports/loopback";
import { createNatsAdapter, type NatsClient } from "../../../adapters/nats/mod.ts";
import { startNats } from "../../../tools/brokers/nats.ts";
import { test, waitFor } from "../../harness.ts";
import { startOtherServer } from "../test_node.ts";
import { createNode, openNode, startOther } from "./scene.ts";

/** The common functions of the libraries. */
interface UserOptions {
  readonly servers: string;
  readonly reconnect?: boolean;
  readonly maxReconnectAttempts?: number;
  readonly reconnectTimeWait?: number;
}

/** A connection of the user's, with the one thing more that a test looks at. */
type UserClient = NatsClient & { readonly protocol?: { readonly subscriptions: { size(): number } } };

const LIBRARIES: Readonly<Record<string, (options: UserOptions) => Promise<UserClient>>> = {
  "nats 2": connectV2 as (options: UserOptions) => Promise<UserClient>,
  "nats 3": connectV3 as (options: UserOptions) => Promise<UserClient>,
};

for (const [library, connect] of Object.entries(LIBRARIES)) {
  const forever = (servers: string) => connect({ servers, maxReconnectAttempts: -1, reconnectTimeWait: 50 });

  test(`nats, on a connection of ${library}: several hubs share one, and each gets the messages of the others`, async () => {
    await using server = await startNats();
    const connection = await forever(server.url);
    {
      await using a = await openNode({ connection }, "news");
      await using b = await openNode({ connection }, "news");
      a.adapter.publish("news", "from a");
      b.adapter.publish("news", "from b");
      await a.got("news", "from b");
      await b.got("news", "from a");
      assertEquals([a.received.length, b.received.length], [1, 1]);
    }
    await connection.close();
  });

  test(`nats, on a connection of ${library}: close ends the adapter's subscriptions, and nothing else`, async () => {
    await using server = await startNats();
    const connection = await forever(server.url);
    const heard: string[] = [];
    connection.subscribe("mine", { callback: (_, { data }) => heard.push(new TextDecoder().decode(data)) });
    const before = connection.protocol?.subscriptions.size();
    const node = await openNode({ connection }, "news", "more");
    await node.adapter.close();
    if (before !== undefined) assertEquals(connection.protocol?.subscriptions.size(), before);
    connection.publish("mine", new TextEncoder().encode("hello"));
    await waitFor(() => heard.length === 1, { what: "the user's own message" });
    await connection.close();
  });

  test(`nats, on a connection of ${library}: after each outage it has as many subscriptions as before`, async () => {
    await using server = await startNats();
    const connection = await forever(server.url);
    {
      await using node = await openNode({ connection }, "news", "more");
      const count = () => connection.protocol?.subscriptions.size();
      const before = count();
      for (let round = 1; round <= 3; round++) {
        await server.kill();
        await node.is("down");
        await server.start();
        await node.is("up");
        assertEquals(count(), before);
      }
    }
    await connection.close();
  });

  test(`nats, on a connection of ${library}: closed by the user it is down for good, and close settles`, async () => {
    await using server = await startNats();
    const connection = await forever(server.url);
    await using node = await openNode({ connection }, "news");
    await connection.close();
    await node.is("down");
    node.adapter.publish("news", "lost");
    await waitFor(() => node.errors.some(({ stage }) => stage === "publish"), { what: "a report" });
    // One error says that it is final, and what to do.
    await waitFor(() => node.errors.some(({ error }) => error.message.includes("maxReconnectAttempts: -1")), {
      what: "the final error",
    });
    await assertRejects(() => node.adapter.subscribe("late"), Error, "closed for good");
    const before = node.errors.length;
    node.adapter.publish("news", "lost");
    await waitFor(() => node.errors.length > before, { what: "a report" });
    assert(node.errors.at(-1)!.error.message.includes("closed for good"), node.errors.at(-1)!.error.message);
    await node.adapter.close();
    await using late = createNode({ connection });
    await assertRejects(() => late.opening, Error, "Cannot use the given connection to NATS");
  });

  test(`nats, on a connection of ${library}: the health page says that it is closed for good, and what to do`, async () => {
    await using server = await startNats();
    const connection = await forever(server.url);
    {
      await using hub = createHub(defineContract({ roles: { member: {} } }), {
        authenticate: () => ({ role: "member" }),
        adapter: createNatsAdapter({ connection, prefix: "app" }),
        transports: [createLoopbackTransport()],
        onError: () => {},
      });
      await hub.ready;
      const backplane = async () => {
        const response = await hub.routes.request("/health");
        return (await response.json() as { backplane: { status: string; reason?: string } }).backplane;
      };
      assertEquals((await backplane()).reason, undefined);
      await connection.close();
      await waitFor(async () => (await backplane()).reason?.includes("closed for good"), {
        what: "the reason",
      });
      const { status, reason } = await backplane();
      assertEquals([status, reason!.includes("maxReconnectAttempts: -1")], ["down", true]);
    }
  });

  test(`nats, on a connection of ${library}: a connection that is away from the start opens when it is back`, async () => {
    await using server = await startNats();
    const connection = await forever(server.url);
    await server.kill();
    {
      await using node = createNode({ connection });
      await using gone = createNode({ connection });
      await gone.adapter.close();
      await assertRejects(() => gone.opening, Error, "closed meanwhile");
      assertEquals(node.statuses, []);
      await server.start();
      await node.opening;
      await node.adapter.subscribe("news");
      await using other = await openNode(server.url);
      other.adapter.publish("news", "hello");
      await node.got("news", "hello");
    }
    await connection.close();
  });

  test(`nats, on a connection of ${library}: messages that are published while it reconnects are dropped, not sent late`, async () => {
    await using server = await startNats();
    const connection = await forever(server.url);
    {
      await using a = await openNode({ connection });
      await using b = await openNode(server.url, "news");
      await server.kill();
      await Promise.all([a.is("down"), b.is("down")]);
      for (let i = 0; i < 100; i++) a.adapter.publish("news", `lost ${i}`);
      await server.start();
      await Promise.all([a.is("up"), b.is("up")]);
      a.adapter.publish("news", "after");
      await b.got("news", "after");
      assertEquals(b.on("news"), ["after"]);
      assert(a.errors.some(({ stage }) => stage === "publish"));
    }
    await connection.close();
  });
}

test("nats: a server that falls silent right after the login is given up, and this is reported", async () => {
  const INFO = JSON.stringify({
    server_id: "X",
    version: "2.10.0",
    proto: 1,
    max_payload: 1024,
    headers: true,
  });
  // It answers the first ping of each connection, which is that of the login.
  await using mute = await startOtherServer((socket) => {
    let answers = 0;
    socket.write(`INFO ${INFO}\r\n`);
    socket.on("data", (data) => {
      if (String(data).includes("PING") && ++answers === 1) socket.write("PONG\r\n");
    });
  });
  await using node = createNode({ servers: `127.0.0.1:${mute.port}`, connectTimeoutMs: 300 });
  await waitFor(() => node.errors.length > 0, { what: "the report", timeoutMs: 10_000 });
  assertEquals(
    node.words(),
    `open: Cannot connect to NATS at 127.0.0.1:${mute.port}: it has not answered within 300 ms`,
  );
  assertEquals(node.statuses, []);
});

test("nats: a server that waits for the client to speak first may be another one, and the report says so", async () => {
  await using other = await startOtherServer(() => {});
  await using node = createNode({ servers: `127.0.0.1:${other.port}`, connectTimeoutMs: 300 });
  await waitFor(() => node.errors.length > 0, { what: "the report", timeoutMs: 10_000 });
  assertEquals(
    node.words(),
    `open: Cannot connect to NATS at 127.0.0.1:${other.port}: it sent nothing for 300 ms, and NATS speaks first; check the address`,
  );
});

test("nats: a server that greets with something else than NATS does is named as foreign", async () => {
  for (const info of ["null", "5", '"text"']) {
    await using other = await startOther(`INFO ${info}\r\n`);
    await using node = createNode(`127.0.0.1:${other.port}`);
    const { message } = await assertRejects(() => node.opening, Error);
    assertEquals(message.split(": ").at(-1), "the server there does not speak NATS");
  }
});

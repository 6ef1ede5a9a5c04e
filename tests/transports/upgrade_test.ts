import { assert, assertEquals, assertThrows } from "@std/assert";
import { createBunHandler, createBunSkin } from "../../transports/websocket/bun.ts";
import type { BunSocket } from "../../transports/websocket/bun_handler.ts";
import { createWebSocketTransport } from "../../transports/websocket/mod.ts";
import { runtime, test, waitFor } from "../harness.ts";
import { RawClient, type RawRequest } from "./raw_client.ts";
import { RecordingAcceptor } from "./recording.ts";
import { type RunningWebSocket, startWebSocket } from "./start_websocket.ts";

const UPGRADE = {
  "upgrade": "websocket",
  "connection": "Upgrade",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
  "sec-websocket-version": "13",
};

const bunSkin = createBunSkin({ perMessageDeflate: false });

function upgradeTest(
  title: string,
  fn: (running: RunningWebSocket, acceptor: RecordingAcceptor) => Promise<void>,
) {
  test(`websocket: ${title}`, async () => {
    const acceptor = new RecordingAcceptor();
    const running = startWebSocket(acceptor);
    try {
      await fn(running, acceptor);
    } finally {
      await running.close();
    }
  });
}

/** Asks for an upgrade, reads the answer and hangs up. */
async function answerTo(port: number, request: RawRequest) {
  const client = await RawClient.open(port, request);
  const { status } = client;
  const protocol = client.header("sec-websocket-protocol");
  if (status !== 101) {
    await waitFor(() => client.receivedBytes >= Number(client.header("content-length") ?? 0));
  }
  const answer = { status, protocol, body: status === 101 ? "" : client.body };
  await client.destroy();
  return { ...answer, header: (name: string) => client.header(name) };
}

upgradeTest("the hub's refusal is the answer, and nothing is upgraded", async ({ port }, acceptor) => {
  let origin: string | null = null;
  acceptor.refusal = () => {
    origin = acceptor.admitted[0].request.headers.get("origin");
    return new Response("Origin not allowed", { status: 403, headers: { "x-why": "origin" } });
  };
  const answer = await answerTo(port, { headers: { Origin: "https://evil.example" } });
  assertEquals([answer.status, answer.body, answer.header("x-why")], [403, "Origin not allowed", "origin"]);
  assertEquals(origin, "https://evil.example");
  assertEquals(acceptor.ends.length, 0);
});

upgradeTest("each link keeps the url and all headers of its request", async ({ port }, acceptor) => {
  for (let i = 0; i < 4; i++) {
    const cookies = Array.from({ length: i }, (_, j) => `c${j}=${i}`).join("; ");
    const headers = { "X-Number": `${i}`, ...(cookies && { Cookie: cookies }) };
    const client = await RawClient.open(port, { path: `/?client=${i}`, headers });
    const { request } = (await waitFor(() => acceptor.ends[i], { what: "the link" })).request;
    assertEquals(new URL(request.url).search, `?client=${i}`);
    const names = ["x-number", "cookie", "upgrade", "host", "x-not-there"];
    assertEquals(names.map((name) => request.headers.get(name)), [
      `${i}`,
      cookies || null,
      "websocket",
      new URL(request.url).host,
      null,
    ]);
    await client.destroy();
  }
});

upgradeTest("a request without an upgrade is left to other routes", async ({ port }, acceptor) => {
  for (
    const request of [{ headers: { Upgrade: undefined, Connection: "close" } }, {
      headers: { Upgrade: "h2c" },
    }]
  ) {
    assertEquals((await answerTo(port, request)).status, 404);
  }
  assertEquals(acceptor.admitted.length, 0);
});

upgradeTest("the name of the protocol is read whatever its case", async ({ port }, acceptor) => {
  const answer = await answerTo(port, {
    headers: { Upgrade: "WebSocket", Connection: "keep-alive, upgrade" },
  });
  assertEquals(answer.status, 101);
  await waitFor(() => acceptor.ends.length === 1);
});

upgradeTest(
  "another version of the protocol is refused with the one that is spoken",
  async ({ port }, acceptor) => {
    const answer = await answerTo(port, { headers: { "Sec-WebSocket-Version": "8" } });
    assertEquals([answer.status, answer.header("sec-websocket-version")], [426, "13"]);
    assertEquals(acceptor.admitted.length, 0);
  },
);

upgradeTest("an upgrade without its key is refused", async ({ port }, acceptor) => {
  assertEquals((await answerTo(port, { headers: { "Sec-WebSocket-Key": undefined } })).status, 400);
  assertEquals([acceptor.ends.length, acceptor.withdrawn], [0, acceptor.admitted]);
});

upgradeTest(
  "an upgrade whose address is no URL is refused, before the application reads it",
  async ({ port }, acceptor) => {
    for (const Host of ["[", "a:99999", "%zz"]) {
      const { status, body } = await answerTo(port, { headers: { Host, Origin: "http://[" } });
      assertEquals([status, body.includes("Host")], [400, true], Host);
    }
    assertEquals([acceptor.admitted.length, acceptor.reports.length], [0, 3]);
  },
);

upgradeTest("an offer is understood however its commas are spaced", async ({ port }) => {
  for (const offer of ["x,test.v1", "x , test.v1", " ,x,,  test.v1,"]) {
    const answer = await answerTo(port, { headers: { "Sec-WebSocket-Protocol": offer } });
    assertEquals([answer.status, answer.protocol], [101, "test.v1"], offer);
  }
});

upgradeTest("an offer that cannot stand in a header is not echoed", async ({ port }, acceptor) => {
  const answer = await answerTo(port, { headers: { "Sec-WebSocket-Protocol": 'a b, "c", d/e, ü, ok' } });
  assertEquals([answer.status, answer.protocol], [101, "ok"]);
  const none = await answerTo(port, { headers: { "Sec-WebSocket-Protocol": "a b" } });
  assertEquals([none.status, none.protocol], [101, undefined]);
  await waitFor(() => acceptor.ends.length === 2);
  assertEquals(acceptor.ends.map(({ link }) => link.subprotocol), ["ok", ""]);
});

upgradeTest("a subprotocol named like a part of another is another", async ({ port }) => {
  const answer = await answerTo(port, { headers: { "Sec-WebSocket-Protocol": "test.v10, xtest.v1" } });
  assertEquals(answer.protocol, "test.v10");
});

test("websocket: a request that no server of a runtime has made opens nothing", () => {
  const acceptor = new RecordingAcceptor();
  const transport = createWebSocketTransport();
  transport.attach(acceptor);
  const request = new Request("http://localhost/", { headers: UPGRADE });
  const answer = transport.fetch!(request, undefined) as Response;
  assertEquals([answer.status, acceptor.ends.length, acceptor.reports.length], [501, 0, 1]);
});

test("websocket: only a GET is an upgrade", () => {
  const transport = createWebSocketTransport();
  transport.attach(new RecordingAcceptor());
  const request = new Request("http://localhost/", { method: "POST", headers: UPGRADE });
  assertEquals(transport.fetch!(request, undefined), undefined);
});

test("websocket: one transport serves one hub, and none before it has one", () => {
  const transport = createWebSocketTransport();
  const request = new Request("http://localhost/");
  assertThrows(() => transport.fetch!(request, undefined), TypeError, "has no hub");
  transport.attach(new RecordingAcceptor());
  assertEquals(transport.fetch!(request, undefined), undefined);
  assertThrows(() => transport.attach(new RecordingAcceptor()), TypeError, "two hubs");
});

test("websocket: Bun's server is found where it is passed on as it is, and as a part of the environment", () => {
  const asked: unknown[] = [];
  const server = {
    upgrade: (request: Request, options: unknown) => asked.push([request, options]) > 0,
    requestIP: () => ({ address: "::1", family: "IPv6", port: 1 }),
  };
  const request = new Request("http://localhost/", { headers: UPGRADE });
  for (const platform of [server, { server }]) {
    const upgradable = bunSkin.recognise(request, platform);
    assertEquals(upgradable?.link.address, "::1");
    assert(upgradable?.link.request === request);
  }
  for (const platform of [undefined, null, {}, { server: undefined }, { upgrade: 1 }, "server"]) {
    assertEquals(bunSkin.recognise(request, platform), undefined);
  }
  assertEquals(asked, []);
});

test("websocket: a request that Bun cannot upgrade is answered with 400, and a copy of one with 501 and what to write", async () => {
  const server = { upgrade: () => false, requestIP: () => null };
  for (const [key, status] of [["short", 400], [UPGRADE["sec-websocket-key"], 501]] as const) {
    const acceptor = new RecordingAcceptor();
    const request = new Request("http://localhost/", { headers: { ...UPGRADE, "sec-websocket-key": key } });
    const upgradable = bunSkin.recognise(request, server)!;
    assertEquals(upgradable.link.address, undefined);
    const answer = upgradable.upgrade(acceptor, {
      subprotocol: "",
      offer: "",
      headers: undefined,
    });
    assertEquals([answer.status, acceptor.withdrawn], [status, [upgradable.link]]);
    const says = (text: string) => text.includes("app.route(path, hub.routes)");
    assertEquals([says(await answer.text()), acceptor.reports.some(says)], [status === 501, status === 501]);
  }
});

test("websocket: sockets of Bun's server that are not ours are passed over", () => {
  const handler = createBunHandler({ maxFrameBytes: 1, perMessageDeflate: false });
  const touched = (): never => {
    throw new Error("Touched a foreign socket");
  };
  for (const data of [undefined, null, { link: 1 }, "data"]) {
    const socket: BunSocket = { data, send: touched, close: touched, getBufferedAmount: touched };
    handler.open(socket);
    handler.message(socket, "frame");
    handler.drain(socket);
    handler.close(socket, 1000, "");
  }
});

test("websocket: Bun's handler refuses frames above the hub's limit and leaves liveness to the hub", () => {
  const transport = createWebSocketTransport({ perMessageDeflate: true });
  assertEquals(transport.websocket, undefined);
  const acceptor = new RecordingAcceptor();
  transport.attach(acceptor);
  const { maxPayloadLength, idleTimeout, sendPings, perMessageDeflate } = transport.websocket!;
  assertEquals([maxPayloadLength, idleTimeout, sendPings, perMessageDeflate], [
    acceptor.maxFrameBytes,
    0,
    false,
    true,
  ]);
});

test("websocket: frames are compressed where that is asked for, the client can and the server has it", async () => {
  for (const perMessageDeflate of [false, true]) {
    const acceptor = new RecordingAcceptor();
    const running = startWebSocket(acceptor, { perMessageDeflate });
    const raw = await RawClient.open(running.port, {
      headers: { "Sec-WebSocket-Extensions": "permessage-deflate" },
    });
    const server = await waitFor(() => acceptor.ends[0]);
    server.link.send("a".repeat(1_000));
    await waitFor(() => raw.frames.length === 1);
    const compressed = perMessageDeflate && runtime === "bun";
    assertEquals(raw.header("sec-websocket-extensions") !== undefined, compressed);
    assertEquals([raw.frames[0].reserved, raw.frames[0].payload.length < 100], [
      compressed ? 4 : 0,
      compressed,
    ]);
    await raw.destroy();
    await running.close();
  }
});

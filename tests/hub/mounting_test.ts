import { assert, assertEquals } from "@std/assert";
import { type Client, createClient, createHub, defineContract } from "@trunkline/hub";
import { joinBunHandlers } from "@trunkline/hub/transports/websocket";
import { type Context, Hono, type Next } from "hono";
import { z } from "zod";
import { runtime, test, waitFor } from "../harness.ts";
import { serve } from "../serve.ts";
import { RawClient } from "../transports/raw_client.ts";

const contract = defineContract({
  roles: { member: { clientToServer: { echo: { input: z.string(), output: z.string() } } } },
});
type Definition = (typeof contract)["definition"];

/** A hub that takes frames of some size, and what it has reported. */
async function startHub(maxFrameBytes = 10_000) {
  const reports: string[] = [];
  const hub = createHub(contract, {
    authenticate: ({ role }) => ({ role }),
    limits: { maxFrameBytes },
    onError: (error) => void reports.push(String(error)),
  });
  hub.implement({ member: { echo: (text) => text } });
  await hub.ready;
  return { hub, reports };
}

function connect(port: number, path: string): Client<Definition, "member"> {
  const url = `ws://127.0.0.1:${port}${path}`;
  return createClient(contract, { url, role: "member", reconnect: false, onError() {} });
}

test("two hubs on one server each keep their own limit of frames", async () => {
  const [small, large] = [await startHub(1_000), await startHub(100_000)];
  const app = new Hono().route("/small", small.hub.routes).route("/large", large.hub.routes);
  const websocket = joinBunHandlers([small.hub.websocket, large.hub.websocket]);
  const server = serve({ fetch: (request, platform) => app.fetch(request, platform as never), websocket });
  const client = connect(server.port, "/large");
  const text = "x".repeat(50_000);
  assertEquals(await client.request("echo", text), text);
  const raw = await RawClient.open(server.port, {
    path: "/small",
    headers: { "Sec-WebSocket-Protocol": "trunkline.v1.json" },
  });
  raw.send(1, "x".repeat(1_001));
  await waitFor(
    () =>
      raw.frames.some(({ opcode, payload }) => opcode === 8 && payload[0] === 0x03 && payload[1] === 0xf1),
    {
      what: "the close with 1009",
    },
  );
  await raw.destroy();
  await client.close();
  assertEquals([small.reports.length, large.reports], [1, []]);
  assert(small.reports[0]!.includes("1000 bytes"), small.reports[0]);
  await Promise.all([small.hub.close(), large.hub.close()]);
  await server.close();
});

test("a hub that takes all clients of another hub at its path reports this once, with what to write", async () => {
  const [first, second] = [await startHub(), await startHub()];
  const app = new Hono().route("/realtime", first.hub.routes).route("/realtime", second.hub.routes);
  for (let i = 0; i < 2; i++) assertEquals((await app.request("/realtime")).status, 426);
  assertEquals([first.reports.length, second.reports], [1, []]);
  assert(first.reports[0]!.includes("Cannot serve two hubs at /realtime"), first.reports[0]);
  await Promise.all([first.hub.close(), second.hub.close()]);
});

test("a hub reports another hub at one of its paths, also if its first client came to another path", async () => {
  const [first, second] = [await startHub(), await startHub()];
  const app = new Hono().route("/old", first.hub.routes).route("/realtime", first.hub.routes)
    .route("/realtime", second.hub.routes);
  for (const path of ["/old", "/realtime", "/realtime"]) await app.request(path);
  assertEquals([first.reports.length, second.reports], [1, []]);
  assert(first.reports[0]!.includes("Cannot serve two hubs at /realtime"), first.reports[0]);
  await Promise.all([first.hub.close(), second.hub.close()]);
});

test("hubs with paths of their own report nothing, also if the pattern of one fits the path of the other", async () => {
  const [chat, any] = [await startHub(), await startHub()];
  const app = new Hono().route("/chat", chat.hub.routes).route("/:name", any.hub.routes);
  for (const path of ["/chat", "/game"]) assertEquals((await app.request(path)).status, 426);
  assertEquals([chat.reports, any.reports], [[], []]);
  await Promise.all([chat.hub.close(), any.hub.close()]);
});

const OTHER_HANDLER =
  "a hub whose server has the websocket of another hub reports this once, with what to write";
if (runtime === "bun") {
  test(OTHER_HANDLER, async () => {
    const [small, large] = [await startHub(1_000), await startHub(100_000)];
    const app = new Hono().route("/large", large.hub.routes);
    const server = serve({
      fetch: (request, platform) => app.fetch(request, platform as never),
      websocket: small.hub.websocket,
    });
    const clients = [connect(server.port, "/large"), connect(server.port, "/large")];
    await Promise.all(clients.map((client) => client.ready));
    assertEquals(large.reports.length, 1);
    assert(large.reports[0]!.includes("joinBunHandlers([a.websocket, b.websocket])"), large.reports[0]);
    await Promise.all(clients.map((client) => client.close()));
    await Promise.all([small.hub.close(), large.hub.close()]);
    await server.close();
  });
} else test.skip(OTHER_HANDLER, "Deno is given no handler");

const FOREIGN_HANDLER =
  "a hub whose server has the websocket of somebody else reports this once, with what to write, and counts no connection";
if (runtime === "bun") {
  test(FOREIGN_HANDLER, async () => {
    const { hub, reports } = await startHub();
    const app = new Hono().route("/", hub.routes);
    const server = serve({
      fetch: (request, platform) => app.fetch(request, platform as never),
      websocket: { message() {} } as never,
    });
    for (let i = 0; i < 2; i++) {
      const raw = await RawClient.open(server.port);
      await waitFor(() => reports.length > 0, { what: "the report" });
      await raw.destroy();
    }
    await waitFor(() => hub.stats().lingering + hub.stats().handshakes === 0, {
      what: "nothing to be counted",
    });
    assertEquals(reports.length, 1, "it is said once");
    assert(reports[0]!.includes("websocket: hub.websocket"), reports[0]);
    assertEquals(hub.stats().limited, 0);
    await hub.close();
    await server.close();
  });
  test("a server that calls the hub's websocket from its own is as good", async () => {
    const { hub, reports } = await startHub();
    const app = new Hono().route("/", hub.routes);
    const { websocket } = hub;
    const server = serve({
      fetch: (request, platform) => app.fetch(request, platform as never),
      websocket: {
        ...websocket,
        open: (socket) => websocket.open(socket),
        message: (socket, frame) => websocket.message(socket, frame),
      },
    });
    const client = connect(server.port, "/");
    await client.ready;
    await client.close();
    await hub.close();
    await server.close();
    assertEquals(reports, []);
  });
} else test.skip(FOREIGN_HANDLER, "Deno is given no handler");

const NO_HANDLER =
  "a hub whose server has no websocket reports this once, with what to write, and counts no connection";
if (runtime === "bun") {
  test(NO_HANDLER, async () => {
    const { hub, reports } = await startHub();
    const app = new Hono().route("/", hub.routes);
    const server = serve({ fetch: (request, platform) => app.fetch(request, platform as never) });
    for (let i = 0; i < 2; i++) {
      const raw = await RawClient.open(server.port);
      await waitFor(() => raw.body.includes("websocket: hub.websocket"), { what: "the answer" });
      assertEquals(raw.status, 501);
      await raw.destroy();
    }
    assertEquals(reports.length, 1, "it is said once");
    assert(reports[0]!.includes("websocket: hub.websocket"), reports[0]);
    const { handshakes, lingering, limited } = hub.stats();
    assertEquals([handshakes, lingering, limited], [0, 0, 0]);
    await hub.close();
    await server.close();
  });
} else test.skip(NO_HANDLER, "Deno is given no handler");

test("headers and cookies that middleware sets before it goes on reach the client with the upgrade", async () => {
  const { hub } = await startHub();
  const app = new Hono();
  app.use("*", async (c: Context, next: Next) => {
    c.header("x-mine", "1");
    c.header("set-cookie", "a=1");
    c.header("set-cookie", "b=2", { append: true });
    await next();
  });
  app.route("/", hub.routes);
  const server = serve({
    fetch: (request, platform) => app.fetch(request, platform as never),
    websocket: hub.websocket,
  });
  const raw = await RawClient.open(server.port, {
    headers: { "Sec-WebSocket-Protocol": "trunkline.v1.json" },
  });
  assertEquals([raw.status, raw.header("x-mine"), raw.header("sec-websocket-protocol")], [
    101,
    "1",
    "trunkline.v1.json",
  ]);
  assertEquals(raw.headers("set-cookie"), ["a=1", "b=2"]);
  await raw.destroy();
  await hub.close();
  await server.close();
});

test("a hub that is mounted with app.mount refuses, and says what to write", async () => {
  const { hub, reports } = await startHub();
  const app = new Hono();
  app.mount("/m", hub.routes.fetch as never);
  const server = serve({
    fetch: (request, platform) => app.fetch(request, platform as never),
    websocket: hub.websocket,
  });
  for (let i = 0; i < 2; i++) {
    const raw = await RawClient.open(server.port, { path: "/m" });
    await waitFor(() => raw.body.includes("app.route(path, hub.routes)"));
    assertEquals(raw.status, 501);
    await raw.destroy();
  }
  assertEquals(reports.length, 1, "it is said once");
  assert(reports[0]!.includes("app.mount"), reports[0]);
  assertEquals([hub.stats().lingering, hub.stats().limited], [0, 0]);
  await hub.close();
  await server.close();
});

const COPIES: Readonly<Record<string, (request: Request) => Request>> = {
  "a clone": (request) => request.clone(),
  "a new request": (request) => new Request(request),
  "a new request with its parts": ({ url, headers }) => new Request(url, { headers }),
};

for (const [name, copy] of Object.entries(COPIES)) {
  test(`a hub that is given ${name} refuses, says what to write, and keeps no place for it`, async () => {
    const { hub, reports } = await startHub();
    const app = new Hono().route("/", hub.routes);
    const server = serve({
      fetch: (request, platform) => app.fetch(copy(request), platform as never),
      websocket: hub.websocket,
    });
    for (let i = 0; i < 2; i++) {
      const raw = await RawClient.open(server.port);
      assertEquals(raw.status, 501);
      await waitFor(() => raw.body.includes("copy of a request"), { what: "the answer" });
      await raw.destroy();
    }
    assertEquals(reports.length, 1, "it is said once");
    assert(reports[0]!.includes("copy of a request"), reports[0]);
    assert(reports[0]!.includes("app.fetch(request)"), reports[0]);
    const { handshakes, lingering, limited } = hub.stats();
    assertEquals([handshakes, lingering, limited], [0, 0, 0]);
    await hub.close();
    await server.close();
  });
}

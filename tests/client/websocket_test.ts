import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createClient, createWebSocketClientTransport } from "../../client/mod.ts";
import type { Encoded } from "../../contract/mod.ts";
import { test, waitFor } from "../harness.ts";
import { contract } from "./setup.ts";
import { serveSockets } from "./socket_server.ts";
import { WELCOME } from "./fake_server.ts";

test("the platform's WebSocket carries frames both ways, with the subprotocol and without changes", async () => {
  await using server = serveSockets();
  const heard: Encoded[] = [];
  const closes: [number, string][] = [];
  const opened = Promise.withResolvers<void>();
  const transport = createWebSocketClientTransport();
  let send!: (frame: Encoded) => void;
  let agreed = "";
  const close = transport.connect(server.url, ["trunkline.v1.json"], {
    open(link) {
      agreed = link.subprotocol;
      send = (frame) => link.send(frame);
      assertEquals(link.bufferedAmount, 0);
      opened.resolve();
    },
    message: (frame) => void heard.push(frame),
    drain() {},
    close: (code, reason) => void closes.push([code, reason]),
  });
  await opened.promise;
  assertEquals(agreed, "trunkline.v1.json");
  send("tëxt");
  send(new Uint8Array([0, 255, 7]));
  await waitFor(() => heard.length === 2);
  assertEquals(heard, ["echo tëxt", new Uint8Array([0, 255, 7])]);
  close(4001, "é".repeat(100)); // longer than a close frame can be
  await waitFor(() => closes.length === 1);
  assertEquals(closes[0]![0], 4001);
  assertEquals(server.closed, [[4001, "é".repeat(61)]]);
  close(1000, "");
  send("too late");
});

test("a link that cannot be opened closes", async () => {
  const closes: number[] = [];
  const events = { open() {}, message() {}, drain() {}, close: (code: number) => void closes.push(code) };
  createWebSocketClientTransport().connect("ws://127.0.0.1:1/", ["trunkline.v1.json"], events);
  await waitFor(() => closes.length === 1);
  assertEquals(closes, [1006]);
});

test("a link that is closed before it is open never opens", async () => {
  await using server = serveSockets();
  const heard: string[] = [];
  const close = createWebSocketClientTransport().connect(server.url, ["trunkline.v1.json"], {
    open: () => void heard.push("open"),
    message() {},
    drain() {},
    close: () => void heard.push("close"),
  });
  close(1000, "");
  await waitFor(() => heard.length > 0);
  assertEquals(heard, ["close"]);
});

test("a client talks over a real socket, survives its loss, and closes it", async () => {
  await using server = serveSockets((message, say) => {
    if (message[0] === "hello") say(["welcome", WELCOME]);
    if (message[0] === "req") say(["res", message[1], { id: 5 }]);
    if (message[0] === "sub") say(["res", message[1]], ["pub", message[2], { n: 1 }]);
  });
  await using client = createClient(contract, {
    url: server.url.replace("ws:", "http:"),
    role: "member",
    reconnect: { baseMs: 1, maxMs: 10 },
    onError: (error) => assert(false, String(error)),
  });
  let heard = 0;
  await client.subscribe("stats", () => void heard++).ready;
  assertEquals(await client.request("say", { text: "x" }), { id: 5 });
  server.dropAll();
  await waitFor(() => heard === 2);
  assertEquals(await client.request("say", { text: "x" }), { id: 5 });
  await client.close();
  await waitFor(() => server.closed.length === 2);
  assertEquals(server.closed.at(-1)![0], 1000);
});

test("a refused connection says why", async () => {
  const client = createClient(contract, {
    url: "ws://127.0.0.1:1/",
    role: "member",
    reconnect: false,
    onError() {},
  });
  const cause = await client.closed;
  assertEquals(cause?.code, "UNAVAILABLE");
  assertStringIncludes(cause!.message, "Cannot connect to the hub");
});

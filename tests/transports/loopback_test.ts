import { assertEquals, assertThrows } from "@std/assert";
import { createLoopbackTransport, type LoopbackClientOptions } from "../../transports/loopback.ts";
import { test } from "../harness.ts";
import { conformanceTests } from "./conformance_cases.ts";
import { openPair, RecordedEnd, RecordingAcceptor } from "./recording.ts";

const HUB_URL = "ws://localhost/";

conformanceTests("loopback", {
  start(acceptor) {
    const transport = createLoopbackTransport();
    transport.attach(acceptor);
    return { client: transport.client(), url: HUB_URL, close() {} };
  },
});

function setUp(options?: LoopbackClientOptions) {
  const acceptor = new RecordingAcceptor();
  const transport = createLoopbackTransport();
  transport.attach(acceptor);
  return { acceptor, transport, client: transport.client(options) };
}

/** Lets everything happen that happens without a timer. */
const settle = () => new Promise((resolve) => setTimeout(resolve));

const BLOCK = new Uint8Array(1 << 18);

test("loopback: data that a paused client does not read are buffered, and drain when it reads again", async () => {
  const { acceptor, client } = setUp();
  const { client: near, server } = await openPair(acceptor, client, HUB_URL);
  client.pause();
  for (let index = 0; index < 3; index++) server.link.send(BLOCK);
  await settle();
  assertEquals([server.link.bufferedAmount, near.frames.length], [3 * BLOCK.length, 0]);
  client.resume();
  await settle();
  assertEquals([server.link.bufferedAmount, near.frames.length, server.drains], [0, 3, 0]);

  client.pause();
  for (let index = 0; index < 8; index++) server.link.send(BLOCK);
  await settle();
  assertEquals([server.link.bufferedAmount, server.drains], [2 * acceptor.highWaterBytes, 0]);
  client.resume();
  await settle();
  assertEquals([server.link.bufferedAmount, near.frames.length, server.drains], [0, 11, 1]);
});

test("loopback: a drain comes as soon as the buffer is below the mark, and again after the next congestion", async () => {
  const { acceptor, client } = setUp();
  const { client: near, server } = await openPair(acceptor, client, HUB_URL);
  const atDrain: number[] = [];
  server.drain = () => atDrain.push(server.link.bufferedAmount);
  for (const _ of [1, 2]) {
    for (let index = 0; index < 5; index++) server.link.send(BLOCK);
    await settle();
  }
  assertEquals(atDrain, [3 * BLOCK.length, 3 * BLOCK.length]);
  assertEquals(near.frames.length, 10);
});

test("loopback: a paused client learns of a close after it has read the earlier messages", async () => {
  const { acceptor, client } = setUp();
  const { client: near, server } = await openPair(acceptor, client, HUB_URL);
  client.pause();
  server.link.send("last words");
  server.link.close(4000, "bye");
  await settle();
  assertEquals([near.frames, near.closings], [[], []]);
  assertEquals(server.closings, [{ code: 4000, reason: "bye" }]);
  client.resume();
  await settle();
  assertEquals([near.frames, near.closings], [["last words"], [{ code: 4000, reason: "bye" }]]);
});

test("loopback: a severed link closes with 1006 at both ends, and messages under way are lost", async () => {
  const { acceptor, client } = setUp();
  const { client: near, server } = await openPair(acceptor, client, HUB_URL);
  near.link.send("lost");
  server.link.send("lost");
  client.sever();
  assertEquals([near.closings, server.closings], [[], []]);
  client.sever();
  near.link.close(4000, "too late");
  await settle();
  assertEquals([near.closings, server.closings], [[{ code: 1006, reason: "" }], [{
    code: 1006,
    reason: "",
  }]]);
  assertEquals([near.frames, server.frames], [[], []]);
});

test("loopback: a black hole swallows frames and goodbyes both ways", async () => {
  const { acceptor, client } = setUp();
  const { client: near, server } = await openPair(acceptor, client, HUB_URL);
  near.link.send("under way");
  client.blackhole();
  near.link.send("lost");
  server.link.send("lost");
  await settle();
  assertEquals([near.frames, server.frames, near.closings, server.closings], [[], [], [], []]);
  server.link.close(4001, "No sign of life");
  await settle();
  assertEquals([near.closings, server.closings], [[], [{ code: 4001, reason: "No sign of life" }]]);
  client.sever();
  await settle();
  assertEquals([near.closings.length, server.closings.length], [1, 1]);
});

test("loopback: unread messages of a closing client are dropped, and its old links feel no fault", async () => {
  const { acceptor, client } = setUp();
  const old = await openPair(acceptor, client, HUB_URL);
  client.pause();
  old.server.link.send(BLOCK);
  old.client.link.close(4000, "");
  assertEquals(old.server.link.bufferedAmount, 0);
  await settle();
  const { server } = await openPair(acceptor, client, HUB_URL);
  client.sever();
  client.blackhole();
  await settle();
  assertEquals([old.server.closings, server.closings.length], [[{ code: 4000, reason: "" }], 1]);
});

test("loopback: one client's faults leave the links of others alone", async () => {
  const { acceptor, transport, client } = setUp();
  const other = await openPair(acceptor, transport.client(), HUB_URL);
  await openPair(acceptor, client, HUB_URL);
  client.blackhole();
  client.sever();
  other.client.link.send("hello");
  await settle();
  assertEquals([other.server.frames, other.server.closings], [["hello"], []]);
});

test("loopback: an unreachable server closes new links with 1006 and keeps the open ones", async () => {
  const { acceptor, client } = setUp();
  const { client: near, server } = await openPair(acceptor, client, HUB_URL);
  client.refuse(true);
  const refused = new RecordedEnd();
  client.connect(HUB_URL, [], refused);
  assertEquals(refused.closings, []);
  await settle();
  assertEquals(refused.closings, [{ code: 1006, reason: "" }]);
  near.link.send("still here");
  client.refuse(false);
  await openPair(acceptor, client, HUB_URL);
  assertEquals([server.frames, acceptor.admitted.length], [["still here"], 2]);
});

test("loopback: a link that is closed before it is open never opens", async () => {
  const { acceptor, client } = setUp();
  const end = new RecordedEnd();
  const close = client.connect(HUB_URL, [], end);
  close(4000, "changed my mind");
  close(4001, "again");
  await settle();
  assertEquals([end.link, acceptor.ends.length], [undefined!, 0]);
  assertEquals(end.closings, [{ code: 4000, reason: "changed my mind" }]);
});

test("loopback: the function that connect returned closes an open link, once", async () => {
  const { acceptor, client } = setUp();
  const end = new RecordedEnd();
  const close = client.connect(HUB_URL, [], end);
  await settle();
  close(4000, "done");
  close(4001, "again");
  await settle();
  assertEquals(end.closings, [{ code: 4000, reason: "done" }]);
  assertEquals(acceptor.ends[0].closings, [{ code: 4000, reason: "done" }]);
});

test("loopback: the hub gets to know the client's address and headers", async () => {
  const { acceptor, client } = setUp({
    address: "10.0.0.7",
    headers: { origin: "https://a.example", cookie: "a=b" },
  });
  const { server } = await openPair(acceptor, client, "wss://hub.example/realtime?x=1", ["test.v1", "other"]);
  const { request, address } = server.request;
  assertEquals([request.url, address], ["https://hub.example/realtime?x=1", "10.0.0.7"]);
  const names = ["origin", "cookie", "sec-websocket-protocol"];
  assertEquals(names.map((name) => request.headers.get(name)), [
    "https://a.example",
    "a=b",
    "test.v1, other",
  ]);
});

test("loopback: before a hub is attached there are no answers, and a second hub is refused", async () => {
  const transport = createLoopbackTransport();
  const end = new RecordedEnd();
  transport.client().connect(HUB_URL, [], end);
  await settle();
  assertEquals(end.closings, [{ code: 1006, reason: "" }]);
  transport.attach(new RecordingAcceptor());
  assertThrows(() => transport.attach(new RecordingAcceptor()), TypeError, "two hubs");
});

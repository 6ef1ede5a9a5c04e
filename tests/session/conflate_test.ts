import { assertEquals } from "@std/assert";
import { createMemoryAdapter, createMemoryBus } from "@trunkline/hub/adapters/memory";
import { createLoopbackTransport } from "@trunkline/hub/transports/loopback";
import { test, waitFor } from "../harness.ts";
import { turn } from "../hub/wires.ts";
import { pass, stage, type Untyped } from "./scene.ts";

const contract = {
  shared: { topics: { prices: { payload: pass, conflate: "key" } } },
  roles: { m: {} },
};

/** Values without a text of their own; each travels. */
const odd =
  (): unknown[] => [{ toString: 5, valueOf: 5 }, { toString: null }, { a: 1 }, { b: 2 }, [1], [], null];

test("conflate: a key that cannot be turned into text causes no error, and replaces no other message", async () => {
  const bus = createMemoryBus();
  await using a = await stage(contract, { adapter: createMemoryAdapter({ bus }) });
  await using b = await stage(contract, { adapter: createMemoryAdapter({ bus }) });
  const peers = [await a.enter(), await b.enter()];
  for (const peer of peers) {
    peer.send(["sub", 1, "prices"]);
    await peer.hears("res", 1);
  }
  for (const key of odd()) a.hub.publish("prices", { key });
  for (const peer of peers) {
    await waitFor(() => peer.heard.length === 2 + odd().length, { what: "all messages" });
    assertEquals(peer.heard.slice(2).map(([, , payload]: Untyped) => payload.key), odd());
  }
  assertEquals([a.errors, b.errors], [[], []]);
});

test("conflate: of a slow client's messages the latest of each key is kept, by value and kind, and all without a key", async () => {
  const loopback = createLoopbackTransport();
  const outbox = { highWaterBytes: 1, maxMessages: 50 };
  await using scene = await stage(contract, { transports: [loopback], limits: { outbox } });
  const line = loopback.client();
  const heard: Untyped[] = [];
  let send: ((frame: string) => void) | undefined;
  const close = line.connect("ws://hub/", ["trunkline.v1.json"], {
    open: (link) => void (send = (frame) => link.send(frame)),
    message: (frame) => void heard.push(...JSON.parse(frame as string)),
    drain() {},
    close() {},
  });
  await waitFor(() => send, { what: "the link" });
  send!('[["hello",{"role":"m"}]]');
  await waitFor(() => heard.length === 1, { what: "the welcome" });
  send!('[["sub",1,"prices"]]');
  await waitFor(() => heard.length === 2, { what: "the topic" });
  line.pause();
  scene.hub.publish("prices", { key: "filler" });
  await turn();
  const keys = ["1", 1, true, "true", undefined, "undefined", null, "null"];
  for (let n = 0; n < 3; n++) {
    for (const key of keys) scene.hub.publish("prices", { key, n });
    for (const key of [{}, [1]]) scene.hub.publish("prices", { key, n });
    await turn();
  }
  await waitFor(() => scene.hub.stats().held === keys.length + 6, { what: "what is superfluous to be gone" });
  line.resume();
  await waitFor(() => heard.length === 3 + keys.length + 6, { what: "the rest" });
  const latest = heard.slice(3).map(([, , { key, n }]) => [key, n]);
  assertEquals(
    latest.filter(([key]) => typeof key !== "object" || key === null).map(([, n]) => n),
    keys.map(() => 2),
  );
  assertEquals(latest.filter(([key]) => Array.isArray(key)).map(([, n]) => n), [0, 1, 2]);
  close(1000, "");
});

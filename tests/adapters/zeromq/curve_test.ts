import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { createZeroMqAdapter, createZeroMqProxy, type ZeroMqKeys } from "@trunkline/hub/adapters/zeromq";
import { test } from "../../harness.ts";
import { freeAddress, onDeno, openNode } from "./scene.ts";
import type { TestNode } from "../test_node.ts";

const onlyDeno = onDeno("zeromq curve");

async function newKeys(): Promise<ZeroMqKeys> {
  return (await import("zeromq")).curveKeyPair();
}

/** Both ways. */
async function checkTalk(a: TestNode, b: TestNode, word: string): Promise<void> {
  a.adapter.publish("news", `${word} there`);
  await b.got("news", `${word} there`);
  b.adapter.publish("news", `${word} back`);
  await a.got("news", `${word} back`);
}

/** Nodes without a key of the list, whatever else they know. */
async function strangers(keys: ZeroMqKeys): Promise<readonly (ZeroMqKeys | "none")[]> {
  const own = await newKeys();
  return [
    "none",
    { ...own, allow: [keys.publicKey] }, // knows the public key, which is no secret
  ];
}

/** A refused node learns it at once. On a busy machine a node must not mistake its peers for missing ones. */
const PATIENT = { connectTimeoutMs: 10_000 };

onlyDeno(
  "zeromq curve: nodes with one pair of keys, or with allowed ones of their own, form a mesh",
  async () => {
    const seed = await freeAddress();
    const [shared, own] = [await newKeys(), await newKeys()];
    const allow = [shared.publicKey, own.publicKey];
    await using a = await openNode({ bind: seed, curve: { ...shared, allow } });
    await using b = await openNode({ bind: "tcp://127.0.0.1:*", peers: [seed], curve: { ...shared, allow } });
    const peers = [{ address: seed, publicKey: shared.publicKey }];
    await using c = await openNode({ bind: "tcp://127.0.0.1:*", peers, curve: { ...own, allow } });
    for (const node of [a, b, c]) await node.adapter.subscribe("news");
    await checkTalk(a, b, "a b");
    await checkTalk(b, c, "b c");
    await checkTalk(a, c, "a c");
  },
);

onlyDeno("zeromq curve: a stranger can neither join a mesh, nor read, nor send", async () => {
  const seed = await freeAddress();
  const keys = await newKeys();
  await using a = await openNode({ bind: seed, curve: keys });
  await using b = await openNode({ bind: "tcp://127.0.0.1:*", peers: [seed], curve: keys });
  for (const node of [a, b]) await node.adapter.subscribe("news");
  for (const curve of await strangers(keys)) {
    const peers = [curve === "none" ? seed : { address: seed, publicKey: keys.publicKey }];
    const error = await assertRejects(
      () => openNode({ bind: "tcp://127.0.0.1:*", peers, curve, ...PATIENT }),
      Error,
    );
    assertStringIncludes(error.message, "curve");
    assertStringIncludes(error.message, seed);
    for (const { secretKey } of [keys, ...curve === "none" ? [] : [curve]]) {
      assert(!error.message.includes(secretKey));
    }
  }
  // A program that speaks the protocol of nodes, and sends without a welcome.
  const zmq = await import("zeromq");
  const own = zmq.curveKeyPair();
  for (
    const credentials of [{}, {
      curvePublicKey: own.publicKey,
      curveSecretKey: own.secretKey,
      curveServerKey: keys.publicKey,
    }]
  ) {
    const context = new zmq.Context({ blocky: false });
    const socket = new zmq.Dealer({ context, linger: 0, sendTimeout: 0, receiveTimeout: 0, ...credentials });
    using _closing = closing(socket);
    socket.connect(seed);
    const hello = { v: 1, prefix: "tests", id: "stranger", address: "tcp://127.0.0.1:1", joined: false };
    await socket.send([JSON.stringify(["hello", hello])]);
    for (let i = 0; i < 10; i++) {
      await checkTalk(a, b, `${i} while a stranger tries ${Object.keys(credentials).length}`);
      assert(!socket.readable, "a stranger was answered");
    }
  }
  const senders = new Set([...a.received, ...b.received].map(({ from }) => from));
  assertEquals(senders, new Set([a.nodeId, b.nodeId]));
  await a.until(() => a.words().includes("Refused"), "the stranger to be told");
});

onlyDeno("zeromq curve: a stranger can neither read nor send over a proxy", async () => {
  const keys = await newKeys();
  const refused: string[] = [];
  await using proxy = await createZeroMqProxy({
    front: "tcp://127.0.0.1:*",
    back: "tcp://127.0.0.1:*",
    curve: keys,
    onRefused: (address) => void refused.push(address),
  });
  const at = { front: proxy.front, back: proxy.back };
  await using a = await openNode({ proxy: at, curve: keys });
  await using b = await openNode({ proxy: at, curve: keys });
  for (const node of [a, b]) await node.adapter.subscribe("news");
  await checkTalk(a, b, "first");
  const zmq = await import("zeromq");
  const own = zmq.curveKeyPair();
  const wrong = {
    curvePublicKey: own.publicKey,
    curveSecretKey: own.secretKey,
    curveServerKey: keys.publicKey,
  };
  for (const credentials of [{}, wrong]) {
    const context = new zmq.Context({ blocky: false });
    const options = { context, linger: 0, ...credentials };
    const publisher = new zmq.Publisher({ ...options, sendTimeout: 0 });
    const subscriber = new zmq.Subscriber({ ...options, receiveTimeout: 0 });
    using _closing = closing(publisher, subscriber);
    publisher.connect(proxy.front);
    subscriber.connect(proxy.back);
    subscriber.subscribe(); // everything
    for (let i = 0; i < 10; i++) {
      await publisher.send(["12:tests:cnews", "from a stranger", "x"]);
      await checkTalk(a, b, `${i} while a stranger listens ${Object.keys(credentials).length}`);
      assert(!subscriber.readable, "a stranger has read something");
    }
  }
  assertEquals([a.words(), b.words()], ["", ""], "nothing of a stranger came");
  await a.until(() => refused.length > 0, "the stranger to be told");
  const bare = await assertRejects(() => openNode({ proxy: at, curve: "none" }), Error);
  assertStringIncludes(bare.message, "set curve");
  const stranger = await assertRejects(
    () => withLimit({ proxy: at, curve: { ...own, allow: [keys.publicKey] } }),
    Error,
  );
  assertEquals(stranger.message, "waited long enough");
});

onlyDeno("zeromq curve: an onRefused that throws hurts neither the proxy nor the process", async () => {
  const keys = await newKeys();
  const printed: unknown[][] = [];
  const print = console.error;
  console.error = (...words) => void printed.push(words);
  try {
    await using proxy = await createZeroMqProxy({
      front: "tcp://127.0.0.1:*",
      back: "tcp://127.0.0.1:*",
      curve: keys,
      onRefused: () => {
        throw new Error("told, and thrown");
      },
    });
    const at = { front: proxy.front, back: proxy.back };
    const stranger = { ...await newKeys(), allow: [keys.publicKey] };
    const theirs = { ...at, publicKey: keys.publicKey };
    await assertRejects(() => withLimit({ proxy: theirs, curve: stranger }), Error);
    await using node = await openNode({ proxy: at, curve: keys });
    await node.until(() => printed.length > 0, "what it threw to be printed");
    assertStringIncludes(printed[0]!.join(" "), "onRefused threw");
  } finally {
    console.error = print;
  }
});

/** Closes sockets also when the test fails: one that the collector finds open takes the process with it. */
function closing(...sockets: readonly { close(): void }[]): Disposable {
  return { [Symbol.dispose]: () => sockets.forEach((socket) => socket.close()) };
}

/** A node that a proxy refuses waits, and reports the reason, before or after the report that there is no answer. */
async function withLimit(options: Parameters<typeof openNode>[0]): Promise<void> {
  const adapter = createZeroMqAdapter({ prefix: "tests", ...options, connectTimeoutMs: 300 });
  const given = new AbortController();
  await adapter.open({
    nodeId: "refused",
    deliver: () => {},
    onError: ({ message }) => {
      if (message.includes("curve")) given.abort(new Error("waited long enough"));
    },
    onStatus: () => {},
    onGap: () => {},
  }, given);
}

test("zeromq: a node that listens for other machines needs keys, or must say that there are none", () => {
  const bind = "tcp://10.0.0.5:5550";
  const error = assertThrows(() => createZeroMqAdapter({ bind, prefix: "tests" }), TypeError);
  assertStringIncludes(error.message, "without curve");
  createZeroMqAdapter({ bind, prefix: "tests", curve: "none" });
  createZeroMqAdapter({ bind: "tcp://127.0.0.1:5550", prefix: "tests" });
  assertThrows(
    () => createZeroMqAdapter({ bind: "tcp://*:5550", prefix: "tests", curve: "none" }),
    TypeError,
    "advertise",
  );
});

test("zeromq: options that contradict each other, and keys that are none, are refused without showing them", () => {
  const at = { front: "tcp://a:1", back: "tcp://a:2" };
  const prefix = "tests";
  assertThrows(() => createZeroMqAdapter({ prefix }), TypeError, "give bind");
  assertThrows(
    () => createZeroMqAdapter({ prefix, bind: "tcp://127.0.0.1:1", proxy: at }),
    TypeError,
    "not both",
  );
  assertThrows(() => createZeroMqAdapter({ prefix, proxy: at, peers: [] }), TypeError, "peers");
  assertThrows(() => createZeroMqAdapter({ prefix, bind: "127.0.0.1:1" }), TypeError, "tcp://");
  const secretKey = "not a key, but still a secret";
  const curve = { publicKey: "x".repeat(40), secretKey };
  const error = assertThrows(() => createZeroMqAdapter({ prefix, proxy: at, curve }), TypeError);
  assert(!error.message.includes(secretKey));
  assertStringIncludes(error.message, "curve.secretKey");
});

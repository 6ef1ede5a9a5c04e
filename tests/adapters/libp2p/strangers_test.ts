import { assertEquals, assertThrows } from "@std/assert";
import { multiaddr } from "@multiformats/multiaddr";
import {
  createLibp2pAdapter,
  createLibp2pIdentity,
  type Libp2pAdapterOptions,
} from "../../../adapters/libp2p/mod.ts";
import { test, waitFor } from "../../harness.ts";
import { createNode, Network, openNode, PREFIX, startBareNode, topicOf } from "./scene.ts";

test("libp2p: a node that is not on the list can neither join, nor read, nor send", async () => {
  await using network = await Network.create();
  const [here, there] = [await network.place(), await network.place()];
  const allow = [here.peerId, there.peerId];
  const discovery = { bootstrap: [here.address] };
  await using a = await openNode({ ...here.options, allow, discovery }, "news");
  await using b = await openNode({ ...there.options, allow, discovery }, "news");

  // With the adapter, the prefix and the address:
  await using stranger = createNode({ allow: "anybody", discovery });
  await waitFor(() => stranger.errors.length > 0, { what: "the stranger to be refused", timeoutMs: 15_000 });
  stranger.adapter.publish("news", "from outside");

  // With gossipsub alone, and all that it can do:
  await using bare = await startBareNode();
  const heard: unknown[] = [];
  const topic = await topicOf(PREFIX, "news");
  bare.pubsub.subscribe(topic);
  bare.pubsub.addEventListener("message", (event) => void heard.push(event.detail));
  for (const address of network.addresses) await bare.node.dial(multiaddr(address)).catch(() => {});
  await bare.pubsub.publish(topic, new TextEncoder().encode("from outside"));

  a.adapter.publish("news", "inside");
  await b.got("news", "inside");
  b.adapter.publish("news", "back");
  await a.got("news", "back");
  assertEquals([a.on("news"), b.on("news")], [["back"], ["inside"]]);
  assertEquals([heard, stranger.received, stranger.statuses], [[], [], []]);
  assertEquals(bare.pubsub.getSubscribers(topic), []);
  assertEquals([a.errors, b.errors], [[], []]);
});

test("libp2p: a node on the list with another prefix finds no other node", async () => {
  await using network = await Network.create();
  const here = await network.place();
  await using a = await openNode({ ...here.options }, "news");
  await using b = createNode({ prefix: "another", discovery: { bootstrap: [here.address] } });
  await waitFor(() => b.errors.length > 0, { timeoutMs: 15_000 });
  assertEquals([a.errors.length, a.received.length, b.statuses], [0, 0, []]);
});

test("libp2p: options that are missing, wrong or contradict each other are refused by name", async () => {
  const { privateKey, peerId } = await createLibp2pIdentity();
  const create = (options: object) => () =>
    void createLibp2pAdapter({ prefix: "p", allow: "anybody", ...options } as Libp2pAdapterOptions);
  const refused = (options: object, ...words: string[]) => {
    for (const word of words) assertThrows(create(options), Error, word);
  };
  refused({ prefix: undefined }, "prefix of createLibp2pAdapter");
  refused({ allow: undefined }, "allow of createLibp2pAdapter", '"anybody"');
  refused({ allow: ["x"] }, "allow[0] of createLibp2pAdapter");
  refused({ allow: "everybody" }, "allow of createLibp2pAdapter");
  refused({ discovery: { bootstrap: ["/ip4/1.2.3.4/tcp/1"] } }, "discovery.bootstrap[0]", "/p2p/");
  refused({ discovery: { dns: { hostname: "x" } } }, "discovery.dns.port");
  refused({ listen: ["127.0.0.1:4001"] }, "listen[0] of createLibp2pAdapter", "/ip4/0.0.0.0/tcp/4001");
  refused({ announce: ["example.com"] }, "announce[0] of createLibp2pAdapter");
  refused({ discovery: { mdsn: true } }, 'did you mean "mdns"?');
  refused({ maxMessageBytes: 3 * 1024 * 1024 }, "maxMessageBytes");
  refused({ probeIntervalMs: 100_000 }, "probeIntervalMs");
  refused({ privateKey, identityFile: "x" }, "both privateKey and identityFile");
  await using bare = await startBareNode();
  refused({ node: bare.node, listen: ["/ip4/0.0.0.0/tcp/0"] }, "both node and listen");
  refused({ node: bare.node, allow: [peerId] }, "both node and a list in allow", "connectionGater");
  refused({ node: {} }, "node of createLibp2pAdapter");
});

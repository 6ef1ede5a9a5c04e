/**
 * What the tests of the adapter for libp2p are played with: nodes on a network that can be taken away.
 *
 * @module
 */

import { noise, pureJsCrypto } from "@chainsafe/libp2p-noise";
import { yamux } from "@chainsafe/libp2p-yamux";
import { gossipsub } from "@libp2p/gossipsub";
import { identify } from "@libp2p/identify";
import type { Libp2p } from "@libp2p/interface";
import { tcp } from "@libp2p/tcp";
import { createLibp2p } from "libp2p";
import process from "node:process";
import {
  createLibp2pAdapter,
  createLibp2pIdentity,
  type Libp2pAdapterOptions,
} from "../../../adapters/libp2p/mod.ts";
import { type PubSub, stopNode } from "../../../adapters/libp2p/node.ts";
import { applicationOf, nameOf, Topics } from "../../../adapters/libp2p/topics.ts";
import { freePort } from "../../../tools/brokers/ports.ts";
import { type Proxy, startProxy } from "../../../tools/brokers/proxy.ts";
import { opened, type TestNode, testNode } from "../test_node.ts";

/** Keeps what runs at the same time apart: all share one relay. */
export const PREFIX = `tests-${crypto.randomUUID()}`;

/** The parts of the address of the relay that all tests share. */
const RELAY_ADDRESS = process.env.LIBP2P_RELAY!.split("/");

/** A place in a network: an identity, and an address that leads through a proxy. */
export interface Place {
  readonly peerId: string;
  /** Where others reach it. */
  readonly address: string;
  readonly proxy: Proxy;
  /** Creates an adapter at this place. */
  readonly options: Pick<Libp2pAdapterOptions, "listen" | "announce" | "privateKey">;
}

/** A network: all messages between nodes pass it. */
export class Network implements AsyncDisposable {
  readonly #proxies: Proxy[] = [];
  readonly #relay: Proxy;
  #held = false;
  #stranger: Promise<BareNode> | undefined;

  private constructor(relay: Proxy) {
    this.#relay = relay;
    this.#proxies.push(relay);
  }

  /** A network whose nodes find each other by a relay. */
  static async create(): Promise<Network> {
    return new Network(await startProxy(Number(RELAY_ADDRESS[4])));
  }

  /** Where the relay can be reached. */
  get relay(): string {
    return RELAY_ADDRESS.with(4, `${this.#relay.port}`).join("/");
  }

  /** Where the places can be reached, past the proxies. */
  readonly addresses: string[] = [];

  /** One more place. */
  async place(): Promise<Place> {
    const [{ peerId, privateKey }, port] = [await createLibp2pIdentity(), await freePort()];
    const proxy = await startProxy(port);
    if (this.#held) proxy.blackhole();
    this.#proxies.push(proxy);
    const at = `/ip4/127.0.0.1/tcp/${proxy.port}`;
    this.addresses.push(`/ip4/127.0.0.1/tcp/${port}/p2p/${peerId}`);
    return {
      peerId,
      address: `${at}/p2p/${peerId}`,
      proxy,
      options: { listen: [`/ip4/127.0.0.1/tcp/${port}`], announce: [at], privateKey },
    };
  }

  /** A node that is no node of ours, the same each time. */
  stranger(): Promise<BareNode> {
    this.#stranger ??= startBareNode();
    return this.#stranger;
  }

  /** Ends all connections, and lets none through. */
  stop(): void {
    this.blackhole();
    for (const proxy of this.#proxies) proxy.cut();
  }

  /** Lets nothing through, and ends nothing. */
  blackhole(): void {
    this.#held = true;
    for (const proxy of this.#proxies) proxy.blackhole();
  }

  /** Lets everything through. */
  heal(): void {
    this.#held = false;
    for (const proxy of this.#proxies) proxy.heal();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#stranger)?.[Symbol.asyncDispose]();
    for (const proxy of this.#proxies) await proxy.close();
  }
}

/**
 * Soon enough for a test. A machine that is busy keeps all nodes of one process busy, and then a timer that is late is no
 * silence of a peer.
 */
export const PROBES = { probeIntervalMs: 300, probeTimeoutMs: 1_000, connectTimeoutMs: 3_000 };

/** The same for nodes in processes of their own, of which one may have no time while others have. */
export const APART = { ...PROBES, probeTimeoutMs: 3_000 };

/** Makes a node, and begins to open it. */
export function createNode(options: Partial<Libp2pAdapterOptions>): TestNode {
  return testNode(createLibp2pAdapter({
    prefix: PREFIX,
    allow: "anybody",
    listen: options.node ? undefined : ["/ip4/127.0.0.1/tcp/0"],
    ...PROBES,
    ...options,
  }));
}

/** Makes a node that is open and listens to these channels. */
export function openNode(options: Partial<Libp2pAdapterOptions>, ...channels: string[]): Promise<TestNode> {
  return opened(createNode(options), channels);
}

/** A node of libp2p as a user or a stranger has it: with gossipsub, and without the adapter. */
export interface BareNode extends AsyncDisposable {
  readonly node: Libp2p;
  readonly pubsub: PubSub;
}

/** Starts such a node. */
export async function startBareNode(): Promise<BareNode> {
  const node = await createLibp2p({
    addresses: { listen: ["/ip4/127.0.0.1/tcp/0"] },
    transports: [tcp()],
    connectionEncrypters: [noise({ crypto: pureJsCrypto })],
    streamMuxers: [yamux()],
    connectionManager: { allow: ["/ip4/0.0.0.0/ipcidr/0"] },
    connectionMonitor: { enabled: false },
    services: { identify: identify(), pubsub: gossipsub({ allowPublishToZeroTopicPeers: true }) },
  });
  const pubsub = node.services.pubsub as unknown as PubSub;
  return { node, pubsub, [Symbol.asyncDispose]: () => stopNode(node, pubsub) };
}

/** The topic that a channel belongs to. */
export async function topicOf(prefix: string, channel: string): Promise<string> {
  return new Topics(await applicationOf(prefix)).of(nameOf(channel));
}

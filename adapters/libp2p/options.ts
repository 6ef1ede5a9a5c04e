/**
 * Reads and checks the options of the libp2p adapter.
 *
 * @module
 */

import type { Libp2p } from "@libp2p/interface";
import type { Clock } from "../../contract/clock.ts";
import { callback, count, having, list, ms, secret, text } from "../../contract/options/option_kinds.ts";
import {
  bag,
  type Kind,
  optional,
  or,
  readOptions,
  type Rows,
  wrong,
} from "../../contract/options/read_options.ts";
import { engineRows, prefixFor } from "../kit/options.ts";
import { type DnsOptions, type DnsResolver, systemResolver } from "./dns.ts";
import { Members } from "./members.ts";
import { type RunningNode, startNode, useNode } from "./node.ts";

/** How nodes find each other by a DNS name. */
export interface Libp2pDnsOptions {
  /** The DNS name. Each of its A and AAAA records is a node: `"chat-headless.default.svc.cluster.local"`. */
  readonly hostname: string;
  /** The port on which all nodes listen. */
  readonly port: number;
  /**
   * How often to resolve the name, in milliseconds.
   *
   * @default {5_000}
   */
  readonly intervalMs?: number;
  /**
   * Resolves the name to IPv4 and IPv6 addresses.
   *
   * @default the system's resolver
   */
  readonly resolve?: DnsResolver;
}

/** How nodes find each other by multicast in their network. */
export interface Libp2pMdnsOptions {
  /**
   * How long a starting node waits for answers before it counts as the first node, in milliseconds.
   *
   * @default {1_000}
   */
  readonly firstMs?: number;
  /**
   * How often to send an mDNS query, in milliseconds.
   *
   * @default {10_000}
   */
  readonly intervalMs?: number;
  /**
   * The UDP port.
   *
   * @default {5_353}
   */
  readonly port?: number;
}

/** How nodes find each other: one way, or several together. Without any, a node waits until another node dials it. */
export interface Libp2pDiscoveryOptions {
  /**
   * Addresses with identities, which the node always tries: `"/ip4/10.0.0.1/tcp/4001/p2p/12D3KooW…"` or `"/dns4/…"`.
   * Those nodes need a fixed identity: `identityFile` or `privateKey`. A node that is on its own list may start alone.
   * Other nodes wait until they reach a node of the list.
   */
  readonly bootstrap?: readonly string[];
  /** A DNS name. Each of its addresses is a node. */
  readonly dns?: Libp2pDnsOptions;
  /**
   * Addresses of relays with their identities, from `createRelayNode`. Relays tell nodes about each other. They also
   * relay messages for nodes behind NAT until those nodes reach each other directly.
   */
  readonly relays?: readonly string[];
  /** Multicast DNS. `true` uses the defaults. */
  readonly mdns?: boolean | Libp2pMdnsOptions;
}

/** A node of `libp2p` 3, the result of `createLibp2p()`. The adapter uses more members than are listed here. */
export interface Libp2pNodeLike {
  /** The identity of the node. */
  readonly peerId: { toString(): string };
  /** Its services, by name. */
  readonly services: object;
  /** The open connections. */
  getConnections(): readonly object[];
  /** The addresses on which the node listens. */
  getMultiaddrs(): readonly object[];
}

/** Options of `createLibp2pAdapter`. */
export interface Libp2pAdapterOptions {
  /**
   * Keeps applications on one network apart: nodes with the same prefix form a cluster. Any text that is not empty; the
   * name of your application will do. The prefix is not a secret: use `allow` to keep other nodes out.
   */
  readonly prefix: string;
  /**
   * The identities of the nodes that may join, from {@linkcode createLibp2pIdentity}. `"anybody"` allows every node
   * that reaches this one. Use it only in networks that strangers cannot enter.
   */
  readonly allow: readonly string[] | "anybody";
  /** How nodes find each other. */
  readonly discovery?: Libp2pDiscoveryOptions;
  /**
   * The addresses on which to listen.
   *
   * @default {["/ip4/0.0.0.0/tcp/0"]}
   */
  readonly listen?: readonly string[];
  /** The addresses to give to other nodes, if they differ from the addresses on which this node listens. */
  readonly announce?: readonly string[];
  /**
   * The file that holds the identity of this node. The adapter writes it if it does not exist. Each node needs its own
   * file.
   */
  readonly identityFile?: string;
  /**
   * The identity of this node, from {@linkcode createLibp2pIdentity}. Without it and without a file, the node has a new
   * identity at each start.
   */
  readonly privateKey?: string;
  /**
   * A node that you already have, with `gossipsub()` among its services. It replaces `listen`, `announce`,
   * `identityFile`, `privateKey`, multicast and a list in `allow`, because the node has its own. The adapter never
   * stops it. The adapter does close connections to nodes that do not answer.
   */
  readonly node?: Libp2pNodeLike;
  /**
   * The largest number of connections.
   *
   * @default {1_000}
   */
  readonly maxConnections?: number;
  /**
   * How long a node may take to connect and to introduce itself, in milliseconds.
   *
   * @default {5_000}
   */
  readonly connectTimeoutMs?: number;
  /**
   * How often to ping the other nodes, in milliseconds. At most a minute.
   *
   * @default {5_000}
   */
  readonly probeIntervalMs?: number;
  /**
   * How long a node may take to answer a ping, in milliseconds. After that the adapter replaces its connection.
   *
   * @default {5_000}
   */
  readonly probeTimeoutMs?: number;
  /**
   * The largest message, in bytes. At most 2 MiB, because streams of libp2p lose messages larger than 4 MiB.
   *
   * @default {1_048_576}
   */
  readonly maxMessageBytes?: number;
  /**
   * How many bytes may wait for slow nodes. Beyond it the adapter drops messages, and reports them with stage
   * `"publish"`.
   *
   * @default {33_554_432}
   */
  readonly maxPendingBytes?: number;
  /**
   * The source of time, for tests.
   *
   * @default {systemClock}
   */
  readonly clock?: Clock;
}

const MEBIBYTE = 1024 * 1024;
const OWNER = "createLibp2pAdapter";

/** An address with an identity at its end. */
const bootstrapAddress: Kind<string> = (value, place) => {
  if (typeof value === "string" && /^\/[a-z].*\/p2p\/[A-Za-z0-9]{20,}$/.test(value)) return value;
  throw wrong(value, place, 'an address with an identity: "/ip4/10.0.0.1/tcp/4001/p2p/12D3KooW…"');
};

/** An address without an identity, to listen on or to give to other nodes. */
export const listenAddress: Kind<string> = (value, place) => {
  if (typeof value === "string" && /^\/[a-z]/.test(value)) return value;
  throw wrong(value, place, 'an address such as "/ip4/0.0.0.0/tcp/4001"');
};

/** An identity. */
const peerId: Kind<string> = (value, place) => {
  if (typeof value === "string" && /^[1-9A-HJ-NP-Za-km-z]{20,}$/.test(value)) return value;
  throw wrong(value, place, 'an identity from createLibp2pIdentity(): "12D3KooW…"');
};

/** The nodes that may join. */
export const allowed: Kind<readonly string[] | "anybody"> = (value, place) => {
  if (value === "anybody") return value;
  if (Array.isArray(value)) return list(peerId)(value, place);
  throw wrong(value, place, 'a list of the identities of all nodes, or "anybody"');
};

const MDNS_ROWS = {
  firstMs: or(ms(), 1_000),
  intervalMs: or(ms(), 10_000),
  port: or(count({ max: 65_535 }), 5_353),
} satisfies Rows<Libp2pMdnsOptions>;

const DNS_ROWS = {
  hostname: text,
  port: count({ max: 65_535 }),
  intervalMs: or(ms(), 5_000),
  resolve: or(callback<DnsResolver>(), systemResolver),
} satisfies Rows<Libp2pDnsOptions>;

const DISCOVERY_ROWS = {
  bootstrap: or(list(bootstrapAddress), []),
  dns: optional(bag(DNS_ROWS)),
  relays: or(list(bootstrapAddress), []),
  mdns: or<boolean | Required<Libp2pMdnsOptions>>(
    (value, place) => typeof value === "boolean" ? value : bag(MDNS_ROWS)(value, place),
    false,
  ),
} satisfies Rows<Libp2pDiscoveryOptions>;

const ROWS = {
  ...engineRows({ maxMessageBytes: MEBIBYTE, maxPendingBytes: 32 * MEBIBYTE }),
  prefix: prefixFor("network"),
  allow: allowed,
  discovery: bag(DISCOVERY_ROWS),
  listen: optional(list(listenAddress)),
  announce: optional(list(listenAddress)),
  identityFile: optional(text),
  privateKey: optional(secret),
  node: optional(having<Libp2p>("what createLibp2p() resolved to", "dial", "handle", "getConnections")),
  maxConnections: or(count(), 1_000),
  maxMessageBytes: or(count({ max: 2 * MEBIBYTE }), MEBIBYTE),
  // libp2p closes a stream after two minutes without data.
  probeIntervalMs: or(ms({ max: 60_000 }), 5_000),
} satisfies Rows<Libp2pAdapterOptions>;

/** Options in the form that the adapter uses. */
export interface Settings {
  readonly prefix: string;
  readonly members: Members;
  readonly bootstrap: readonly string[];
  readonly relays: readonly string[];
  readonly dns: Omit<DnsOptions, "clock"> | undefined;
  readonly mdnsFirstMs: number | undefined;
  /** Whether the adapter started the node. */
  readonly owned: boolean;
  /** The addresses on which the node listens, for errors. */
  readonly address: string;
  readonly secrets: readonly string[];
  readonly connectTimeoutMs: number;
  readonly probeIntervalMs: number;
  readonly probeTimeoutMs: number;
  readonly maxMessageBytes: number;
  readonly maxPendingBytes: number;
  readonly clock: Clock;
  /** Starts the node. */
  start(): Promise<RunningNode>;
}

const OF_OUR_OWN = ["listen", "announce", "identityFile", "privateKey"] as const;

/**
 * Checks options and fills in the defaults.
 *
 * @param options The user's options.
 * @throws {TypeError} If an option has the wrong type, or contradicts another.
 * @throws {RangeError} If a number is out of range.
 */
export function readLibp2pOptions(options: Libp2pAdapterOptions): Settings {
  const read = readOptions(OWNER, options, ROWS);
  const { node, allow, discovery, listen = ["/ip4/0.0.0.0/tcp/0"], privateKey, identityFile } = read;
  const { bootstrap, dns, relays } = discovery;
  const mdns = discovery.mdns === true ? { firstMs: 1_000, intervalMs: 10_000, port: 5_353 } : discovery.mdns;
  if (node) refuseSurplus(read, mdns !== false);
  if (privateKey !== undefined && identityFile !== undefined) {
    throw new TypeError(`Cannot use both privateKey and identityFile of ${OWNER}: a node has one identity`);
  }
  const members = new Members(allow, relays.map((relay) => relay.slice(relay.lastIndexOf("/") + 1)));
  const { announce = [], maxConnections } = read;
  return {
    ...read,
    members,
    bootstrap,
    relays,
    dns,
    mdnsFirstMs: mdns ? mdns.firstMs : undefined,
    owned: node === undefined,
    address: node ? node.peerId.toString() : listen.join(", "),
    secrets: privateKey === undefined ? [] : [privateKey],
    // deno-lint-ignore require-await -- so that a refusal is a rejection
    async start() {
      if (node) return useNode(node);
      return startNode({
        privateKey,
        identityFile,
        listen,
        announce,
        members,
        maxConnections,
        mdns,
        relays,
      });
    },
  };
}

function refuseSurplus(options: Libp2pAdapterOptions, mdns: boolean): void {
  const surplus = OF_OUR_OWN.find((name) => options[name] !== undefined) ??
    (mdns ? "discovery.mdns" : undefined);
  if (surplus) {
    throw new TypeError(`Cannot use both node and ${surplus} of ${OWNER}: the node has its own`);
  }
  if (options.allow !== "anybody") {
    throw new TypeError(
      `Cannot use both node and a list in allow of ${OWNER}: give the node a connectionGater, and allow: "anybody" here`,
    );
  }
}

/**
 * The options of the ZeroMQ adapter.
 *
 * @module
 */

import type { Clock } from "../../contract/clock.ts";
import { count, list } from "../../contract/options/option_kinds.ts";
import {
  bag,
  type Kind,
  optional,
  or,
  type Place,
  type Read,
  readOptions,
  type Rows,
} from "../../contract/options/read_options.ts";
import { engineRows, prefixFor, refuseAddress } from "../kit/options.ts";
import { advertisedAddress, bindAddress, remoteAddress } from "./addresses.ts";
import { curveKey, curveRow, readSecurity, type Security, type ZeroMqKeys } from "./curve.ts";
import type { MeshOptions } from "./mesh/mesh.ts";
import { Topics } from "./names.ts";
import type { ProxySessionOptions } from "./proxy/session.ts";

/** Another node, or a proxy, with its key. */
export interface ZeroMqPeer {
  /** The address on which it listens: `"tcp://10.0.0.7:5550"`. */
  readonly address: string;
  /**
   * Its public key, if the nodes do not share one key pair.
   *
   * @default This node's public key.
   */
  readonly publicKey?: string;
}

/** The addresses of a proxy. See `createZeroMqProxy`. */
export interface ZeroMqProxyAddress {
  /** The address to which nodes publish. */
  readonly front: string;
  /** The address from which nodes receive. */
  readonly back: string;
  /**
   * Its public key, if proxy and nodes do not share one key pair.
   *
   * @default This node's public key.
   */
  readonly publicKey?: string;
}

/** Options of `createZeroMqAdapter`. */
export interface ZeroMqAdapterOptions {
  /**
   * The proxy to connect to, instead of a mesh. This node then does not listen, so `bind`, `advertise` and `peers`
   * cannot be used.
   */
  readonly proxy?: ZeroMqProxyAddress;
  /**
   * The address on which this node of a mesh listens: `"tcp://10.0.0.5:5550"`, `"tcp://*:5550"` for all addresses of
   * the machine, `"tcp://127.0.0.1:*"` for a free port.
   */
  readonly bind?: string;
  /**
   * The address at which other nodes reach this node, if it differs from `bind`: behind a NAT, or with `*` in `bind`.
   * Port `*` stands for the port of `bind`.
   */
  readonly advertise?: string;
  /**
   * Some other nodes. Each tells this node about all others. They may start in any order, and the list may contain this
   * node itself. Without peers, this node waits until others connect.
   *
   * @default {[]}
   */
  readonly peers?: readonly (string | ZeroMqPeer)[];
  /**
   * CURVE keys. With keys, all traffic is encrypted, and only nodes with an allowed key may connect. To listen for
   * other machines without keys, give `"none"`.
   *
   * @default `"none"`, if the node listens for this machine alone.
   */
  readonly curve?: ZeroMqKeys | "none";
  /**
   * Keeps applications apart: nodes with the same prefix form a cluster, and refuse others. Any text that is not empty;
   * the name of your application will do.
   */
  readonly prefix: string;
  /**
   * How long another node may take for its first answer, in milliseconds. A starting node waits this long for a peer
   * that neither answers nor refuses.
   *
   * @default {5_000}
   */
  readonly connectTimeoutMs?: number;
  /**
   * How often to ping the other nodes, in milliseconds.
   *
   * @default {5_000}
   */
  readonly probeIntervalMs?: number;
  /**
   * How long a node may take to answer a ping before it counts as gone, in milliseconds. So a dead node is found within
   * this time plus the interval.
   *
   * @default {5_000}
   */
  readonly probeTimeoutMs?: number;
  /**
   * The largest message, in bytes. At most 64 MiB.
   *
   * @default {8_388_608}
   */
  readonly maxMessageBytes?: number;
  /**
   * How many unconfirmed bytes may be on their way to one node. Above this limit messages for that node are dropped.
   * The publisher reports it with stage `"publish"`, and the receiver gets a report that it has missed messages.
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

const OWNER = "createZeroMqAdapter";

const PEER = { address: remoteAddress, publicKey: optional(curveKey) } satisfies Rows<ZeroMqPeer>;

/** Another node. */
const peer: Kind<ZeroMqPeer> = (value, place: Place) =>
  typeof value === "string" ? { address: remoteAddress(value, place) } : bag(PEER)(value, place);

const { maxMessageBytes: _any, ...ENGINE_ROWS } = engineRows({
  maxMessageBytes: 8 * 1024 * 1024,
  maxPendingBytes: 32 * 1024 * 1024,
});

const ROWS = {
  ...ENGINE_ROWS,
  maxMessageBytes: or(count({ max: 64 * 1024 * 1024 }), 8 * 1024 * 1024),
  bind: optional(bindAddress),
  proxy: optional(
    bag(
      {
        front: remoteAddress,
        back: remoteAddress,
        publicKey: optional(curveKey),
      } satisfies Rows<ZeroMqProxyAddress>,
    ),
  ),
  advertise: optional(advertisedAddress),
  peers: optional(list(peer)),
  curve: curveRow,
  prefix: prefixFor("ZeroMQ"),
} satisfies Rows<ZeroMqAdapterOptions>;

/** An address that stands for all addresses of a machine, or for any path. */
const EVERYWHERE = /^tcp:\/\/(\*|0\.0\.0\.0|\[[0:]+\]):|^ipc:\/\/\*$/;

/** The checked options: for a mesh, or for a proxy. */
export type Settings =
  & Pick<Read<typeof ROWS>, "clock" | "maxMessageBytes" | "connectTimeoutMs" | "probeIntervalMs">
  & ({ readonly mesh: MeshOptions } | { readonly session: ProxySessionOptions });

/**
 * Checks options and fills in the defaults.
 *
 * @param options The user's options.
 */
export function readZeroMqOptions(options: ZeroMqAdapterOptions): Settings {
  refuseAddress(OWNER, options, "bind");
  const { bind, advertise, peers, proxy, curve, ...read } = readOptions(OWNER, options, ROWS);
  if ((bind === undefined) === (proxy === undefined)) {
    throw new TypeError(
      `Cannot use the options of ${OWNER}: give bind for a mesh, or proxy, but not both`,
    );
  }
  if (proxy) {
    const surplus = advertise !== undefined ? "advertise" : peers !== undefined ? "peers" : undefined;
    if (surplus) {
      throw new TypeError(`Cannot use ${surplus} of ${OWNER} together with proxy: it is only for a mesh`);
    }
    const { front, back, publicKey } = proxy;
    // With a proxy the node does not listen: the proxy decides which nodes may connect.
    const security = readSecurity(OWNER, curve, []);
    refuseKeyAlone("proxy.publicKey", publicKey, security);
    return {
      ...read,
      session: { ...read, front, back, key: publicKey, security, topics: new Topics(read.prefix) },
    };
  }
  return {
    ...read,
    mesh: readMesh(bind!, advertise, peers ?? [], { ...read, security: readSecurity(OWNER, curve, [bind!]) }),
  };
}

function readMesh(
  bind: string,
  advertise: string = bind,
  peers: readonly ZeroMqPeer[],
  read: Omit<MeshOptions, "bind" | "advertise" | "peers">,
): MeshOptions {
  if (EVERYWHERE.test(advertise)) {
    throw new TypeError(
      `Cannot tell other nodes to connect to ${advertise}: give advertise in ${OWNER}, the address at which they reach this node`,
    );
  }
  for (const { publicKey } of peers) refuseKeyAlone("the publicKey of peers", publicKey, read.security);
  return {
    ...read,
    bind,
    advertise,
    peers: peers.map(({ address, publicKey }) => ({ address, key: publicKey })),
  };
}

/** Refuses a key of the other side without own keys: the user would expect encryption. */
function refuseKeyAlone(what: string, key: string | undefined, { keys }: Security): void {
  if (key === undefined || keys) return;
  throw new TypeError(
    `Cannot use ${what} in ${OWNER} without curve: nothing would be encrypted. Give curve with the keys of this node, or remove the publicKey`,
  );
}

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

/** Another node, or a proxy, and whose key it has. */
export interface ZeroMqPeer {
  /** Where it listens: `"tcp://10.0.0.7:5550"`. */
  readonly address: string;
  /**
   * Its public key, where nodes do not share one pair.
   *
   * @default Our own public key.
   */
  readonly publicKey?: string;
}

/** Where a proxy is; see `createZeroMqProxy`. */
export interface ZeroMqProxyAddress {
  /** Where it takes what nodes publish. */
  readonly front: string;
  /** Where it gives what nodes subscribe to. */
  readonly back: string;
  /**
   * Its public key, where all do not share one pair.
   *
   * @default Our own public key.
   */
  readonly publicKey?: string;
}

/** Options of `createZeroMqAdapter`. */
export interface ZeroMqAdapterOptions {
  /**
   * The proxy to connect to, in place of a mesh: then this node does not listen, and `bind`, `advertise` and `peers` mean
   * nothing.
   */
  readonly proxy?: ZeroMqProxyAddress;
  /**
   * Where this node of a mesh listens: `"tcp://10.0.0.5:5550"`, `"tcp://*:5550"` for all of its addresses, `"tcp://127.0.0.1:*"` for a
   * free port.
   */
  readonly bind?: string;
  /**
   * Where other nodes reach it, if that is not where it listens: behind a NAT, or with `*` in `bind`. A port of `*` is that of
   * `bind`.
   */
  readonly advertise?: string;
  /**
   * Some other nodes: those that are reached tell of all others. They may start in any order, and this node itself may be
   * among them. Without any it waits for others to come.
   *
   * @default {[]}
   */
  readonly peers?: readonly (string | ZeroMqPeer)[];
  /**
   * Keys of CURVE, with which all is encrypted, and only nodes are let in whose key is allowed. `"none"` is needed to
   * listen for other machines without.
   *
   * @default `"none"`, where it listens for this machine alone.
   */
  readonly curve?: ZeroMqKeys | "none";
  /**
   * Keeps applications apart: nodes with the same prefix form a cluster, and refuse others. Any text but the empty one; your
   * application's name will do.
   */
  readonly prefix: string;
  /**
   * How long another node may take to answer at first, in milliseconds. A node that starts waits so long for a peer that
   * neither answers nor refuses.
   *
   * @default {5_000}
   */
  readonly connectTimeoutMs?: number;
  /**
   * How often the other nodes are asked for a sign of life, in milliseconds.
   *
   * @default {5_000}
   */
  readonly probeIntervalMs?: number;
  /**
   * How long a node may be silent when it is asked, in milliseconds, before it counts as gone. A dead one is noticed within
   * this and the interval.
   *
   * @default {5_000}
   */
  readonly probeTimeoutMs?: number;
  /**
   * The largest message, in bytes; at most 64 MiB.
   *
   * @default {8_388_608}
   */
  readonly maxMessageBytes?: number;
  /**
   * How many bytes may be on their way to one node that it has not confirmed. Beyond it messages for that node are dropped: the
   * publisher reports it with stage `"publish"`, and the node hears that it has missed something.
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

/** What listens at all addresses of a machine, or at any path. */
const EVERYWHERE = /^tcp:\/\/(\*|0\.0\.0\.0|\[[0:]+\]):|^ipc:\/\/\*$/;

/** How an adapter reaches the others: by itself or over a proxy. */
export type Settings =
  & Pick<Read<typeof ROWS>, "clock" | "maxMessageBytes" | "connectTimeoutMs" | "probeIntervalMs">
  & ({ readonly mesh: MeshOptions } | { readonly session: ProxySessionOptions });

/**
 * Checks options and fills in the defaults.
 *
 * @param options What the user gave.
 */
export function readZeroMqOptions(options: ZeroMqAdapterOptions): Settings {
  refuseAddress(OWNER, options, "bind");
  const { bind, advertise, peers, proxy, curve, ...read } = readOptions(OWNER, options, ROWS);
  if ((bind === undefined) === (proxy === undefined)) {
    throw new TypeError(
      `Cannot use the options of ${OWNER}: give bind, for a mesh in which nodes reach each other, or proxy, and not both`,
    );
  }
  if (proxy) {
    const surplus = advertise !== undefined ? "advertise" : peers !== undefined ? "peers" : undefined;
    if (surplus) {
      throw new TypeError(`Cannot use ${surplus} of ${OWNER} together with proxy: it belongs to a mesh`);
    }
    const { front, back, publicKey } = proxy;
    // It listens nowhere: whom it lets in is the proxy's business.
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
      `Cannot tell other nodes to come to ${advertise}: give advertise in ${OWNER}, the address at which they reach this node`,
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

/** Whoever names the other one's key believes that all is encrypted. */
function refuseKeyAlone(what: string, key: string | undefined, { keys }: Security): void {
  if (key === undefined || keys) return;
  throw new TypeError(
    `Cannot use ${what} in ${OWNER} without curve: nothing would be encrypted. Give curve our own keys, or leave it out`,
  );
}

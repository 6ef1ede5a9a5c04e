/**
 * The addresses of a Redis Cluster's nodes, and the options to connect to them, from the user's options.
 *
 * @module
 */

import type { RedisOptions } from "ioredis";
import type { RedisAddress, RedisTlsOptions } from "../kit/redis/options.ts";

/** For nodes behind NAT: the real address of a node that the cluster knows by another address, `host:port`. */
export type RedisClusterNatMap =
  | Readonly<Record<string, RedisAddress>>
  | ((address: string) => RedisAddress | null | undefined);

/** The part of an ioredis `Cluster` that is needed, of any version with sharded pub/sub. */
export interface RedisClusterClient {
  /** `"wait"` before it has begun to connect. */
  readonly status: string;
  /** ioredis' own options, which differ between its versions. */
  readonly options: object;
  /** Begins to connect. */
  connect(): Promise<void>;
  /** The connections to the nodes that it knows. */
  nodes(): readonly { readonly options: object }[];
}

/** The addresses of the nodes, and how to connect to one. */
export interface ClusterNodes {
  /** The first addresses to try, `host:port`. */
  seeds(): readonly string[];
  /** The options for a connection to a node. */
  optionsFor(address: string): RedisOptions;
  /** The real address of a node that the cluster knows by this address. */
  locate(address: string): string;
  /** Texts that must not appear in errors. */
  readonly secrets: readonly string[];
}

/** The user's options about the nodes. */
export interface NodesOptions {
  readonly nodes?: string | readonly (string | RedisAddress)[];
  readonly client?: RedisClusterClient;
  readonly username?: string;
  readonly password?: string;
  readonly tls?: boolean | RedisTlsOptions;
  readonly natMap?: RedisClusterNatMap;
}

const DEFAULT_PORT = 6379;

/** Host and port of an address; an IPv6 host may stand in brackets. */
export function splitAddress(address: string): RedisAddress {
  const colon = address.lastIndexOf(":");
  return {
    host: address.slice(0, colon).replace(/^\[(.*)\]$/, "$1"),
    port: Number(address.slice(colon + 1)),
  };
}

/** Host and port as one text. */
export function joinAddress({ host, port = DEFAULT_PORT }: Partial<RedisAddress>): string {
  return `${host}:${port}`;
}

/**
 * Reads the user's options.
 *
 * @param options The nodes, or a client.
 * @throws {TypeError} If nodes and a client are both given or both missing, or no node can be read. The message
 * contains no address, because an address may hold a password.
 */
export function readNodes(options: NodesOptions): ClusterNodes {
  const { nodes, client } = options;
  if ((nodes === undefined) === (client === undefined)) {
    throw new TypeError("Cannot create a redis-cluster adapter: pass either nodes or a client");
  }
  return client ? nodesOfClient(client, options) : nodesOfList(nodes!, options);
}

function nodesOfList(
  list: string | readonly (string | RedisAddress)[],
  { username, password, tls, natMap }: NodesOptions,
): ClusterNodes {
  const texts = typeof list === "string" ? list.split(",") : list;
  const seeds = texts.map((one, i) => readNode(one, i));
  if (seeds.length === 0) {
    throw new TypeError("Cannot create a redis-cluster adapter: there is no node in the list");
  }
  // The values of one address apply to all: the nodes of a cluster share users and certificates.
  const user = username ?? seeds.find((seed) => seed.username)?.username;
  const pass = password ?? seeds.find((seed) => seed.password)?.password;
  const secure = tls ?? seeds.some((seed) => seed.tls);
  return {
    seeds: () => seeds.map(({ address }) => address),
    optionsFor: (address) => ({
      ...splitAddress(address),
      ...(user === undefined ? {} : { username: user }),
      ...(pass === undefined ? {} : { password: pass }),
      ...(secure ? { tls: { ...(secure === true ? {} : secure) } as RedisOptions["tls"] } : {}),
    }),
    locate: (address) => locate(natMap, address),
    secrets: [pass, ...seeds.map((seed) => seed.password)]
      .flatMap((secret) => secret ? [secret, encodeURIComponent(secret)] : []),
  };
}

function nodesOfClient(client: RedisClusterClient, { natMap }: NodesOptions): ClusterNodes {
  if (typeof client.nodes !== "function") {
    throw new TypeError("Cannot create a redis-cluster adapter: the client is not a Cluster of ioredis");
  }
  const made = client.options as { redisOptions?: RedisOptions; natMap?: RedisClusterNatMap };
  const nodes = () => client.nodes().map(({ options }) => options as RedisOptions);
  let known: readonly string[] = [];
  /** The options of any of its nodes, as all are alike, together with the options for all. */
  let last: RedisOptions = {};
  const base = (): RedisOptions => {
    last = nodes()[0] ?? last;
    return { ...last, ...made?.redisOptions };
  };
  return {
    seeds: () => {
      if (client.status === "wait") client.connect().catch(() => {}); // the client reports it itself
      const seeds = nodes().map(joinAddress);
      if (seeds.length > 0) known = seeds;
      return known;
    },
    optionsFor: (address) => {
      const own = nodes().find((options) => joinAddress(options) === address) ?? base();
      return { ...own, ...splitAddress(address) };
    },
    locate: (address) => locate(natMap ?? made?.natMap, address),
    get secrets() {
      const { password } = base();
      return password ? [password] : [];
    },
  };
}

function readNode(
  node: string | RedisAddress,
  i: number,
): { address: string; username?: string; password?: string; tls?: boolean } {
  if (typeof node !== "string") {
    if (typeof node?.host !== "string" || node.host === "") throw unreadable(i);
    return { address: joinAddress(node) };
  }
  const text = node.trim();
  const url = URL.parse(/^\w+:\/\//.test(text) ? text : `redis://${text}`);
  if (!url || !/^rediss?:$/.test(url.protocol) || url.hostname === "") throw unreadable(i);
  const [username, password] = [url.username, url.password].map((part) => decoded(part, i));
  return {
    address: joinAddress({
      host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
      port: Number(url.port || DEFAULT_PORT),
    }),
    username,
    password,
    tls: url.protocol === "rediss:",
  };
}

function decoded(part: string, i: number): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw unreadable(i); // without a cause, because the cause would contain the secret
  }
}

function unreadable(i: number): TypeError {
  return new TypeError(
    `Cannot read node ${
      i + 1
    } of the Redis Cluster: pass redis://host:port, rediss://host:port or { host, port }`,
  );
}

function locate(natMap: RedisClusterNatMap | undefined, address: string): string {
  const there = typeof natMap === "function"
    ? natMap(address)
    : natMap && Object.hasOwn(natMap, address)
    ? natMap[address]
    : undefined;
  return there ? joinAddress(there) : address;
}

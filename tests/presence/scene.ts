/**
 * Nodes of one cluster that keep presence, and clients on them.
 *
 * @module
 */

import {
  type Client,
  createClient,
  createHub,
  createMemoryAdapter,
  createMemoryBus,
  createMemoryPresence,
  type HubErrorInfo,
  type HubOptions,
} from "@trunkline/hub";
import { createLoopbackTransport } from "@trunkline/hub/transports/loopback";
import type { Adapter } from "@trunkline/hub/adapters/adapter";
import { microtaskClock } from "../fake_clock.ts";
import { test, type TestOptions, waitFor } from "../harness.ts";
import { acquainted, ADAPTERS, type Backbone, testOnBackbones } from "../hub/cluster.ts";
import { Tap } from "../hub/tap.ts";
import { places, type PlacesDefinition, type PlacesHub } from "./places.ts";

export type Member = Client<PlacesDefinition, "member">;
export type NodeOptions = Partial<HubOptions<PlacesDefinition, { id: string } | undefined, undefined>>;

/** A node, with everything that was reported to it. */
export interface PlacesNode extends AsyncDisposable {
  readonly hub: PlacesHub;
  readonly tap: Tap;
  readonly errors: { readonly error: unknown; readonly info: HubErrorInfo }[];
  /** A client of a user, or an anonymous one, that is open and has entered these rooms. */
  member(user?: string, ...rooms: string[]): Promise<Member>;
  admin(user?: string): Promise<Client<PlacesDefinition, "admin">>;
}

/** Starts a node; it is ready. Clients are closed with it. */
export async function startNode(
  adapter: Adapter,
  options: NodeOptions = {},
  { lost }: { /** Whether there is no backplane until the tap is healed. */ readonly lost?: boolean } = {},
): Promise<PlacesNode> {
  const transport = createLoopbackTransport();
  const tap = new Tap(adapter);
  if (lost) tap.lose();
  const errors: PlacesNode["errors"] = [];
  const clients: { close(): Promise<void> }[] = [];
  const hub: PlacesHub = createHub(places, {
    authenticate: ({ role, token }) => ({ role, user: token ? { id: token } : undefined }),
    transports: [transport],
    adapter: tap,
    history: "per-node",
    clock: microtaskClock,
    onError: (error, info) => errors.push({ error, info }),
    ...options,
  });
  hub.implement({
    member: {
      enter: ({ room }, { conn }) => hub.room(room).add(conn),
      exit: ({ room }, { conn }) => hub.room(room).remove(conn),
      set: ({ room, name }, { conn }) => hub.presence(room as "room/1").set(conn, { name }),
    },
  });
  await hub.ready;
  const open = async <C extends { readonly ready: Promise<void>; close(): Promise<void> }>(client: C) => {
    clients.push(client);
    await client.ready;
    return client;
  };
  const connect = { url: "ws://loopback", transport: transport.client(), onError() {} };
  return {
    hub,
    tap,
    errors,
    async member(user, ...rooms) {
      const client = await open(createClient(places, { ...connect, role: "member", token: user }));
      for (const room of rooms) await client.request("enter", { room });
      return client;
    },
    admin: (user) => open(createClient(places, { ...connect, role: "admin", token: user })),
    async [Symbol.asyncDispose]() {
      for (const client of clients) await client.close();
      await hub.close();
    },
  };
}

/** Nodes of one cluster that know each other. */
export interface PlacesCluster extends AsyncDisposable {
  readonly nodes: PlacesNode[];
  /** Starts one more node. */
  add(options?: NodeOptions): Promise<PlacesNode>;
}

/** Starts nodes of one cluster, and waits until they know each other. */
export async function startNodes(
  backbone: Backbone,
  count: number,
  options: NodeOptions = {},
): Promise<PlacesCluster> {
  const nodes: PlacesNode[] = [];
  const cluster: PlacesCluster = {
    nodes,
    async add(own) {
      const given = { ...options, ...own };
      if (typeof options.presence === "object" && typeof own?.presence === "object") {
        given.presence = { ...options.presence, ...own.presence };
      }
      // Nobody is there to answer the first one, and a clock of a test may stand still.
      if (nodes.length === 0) given.cluster = { ...given.cluster, joinTimeoutMs: 0 };
      const node = await startNode(backbone(), given);
      nodes.push(node);
      return node;
    },
    async [Symbol.asyncDispose]() {
      for (const node of nodes) await node[Symbol.asyncDispose]();
    },
  };
  for (let i = 0; i < count; i++) await cluster.add();
  await acquainted(nodes.map(({ hub }) => hub));
  return cluster;
}

/** Starts nodes on the memory adapter. */
export function startInMemory(count: number, options?: NodeOptions): Promise<PlacesCluster> {
  const bus = createMemoryBus();
  return startNodes(() => createMemoryAdapter({ bus }), count, options);
}

/** Registers a test for each adapter, and for each store of central presence. */
export function testPlaces(
  title: string,
  fn: (start: (count: number, options?: NodeOptions) => Promise<PlacesCluster>) => Promise<void>,
  options?: TestOptions,
): void {
  testOnBackbones(title, (backbone) => fn((count, options) => startNodes(backbone, count, options)), options);
  testCentral(title, fn, options);
}

/** Registers a test for each store of central presence. */
export function testCentral(
  title: string,
  fn: (start: (count: number, options?: NodeOptions) => Promise<PlacesCluster>) => Promise<void>,
  options?: TestOptions,
): void {
  for (const name of ["memory", "redis", "redis-cluster"]) {
    const createBackbone = ADAPTERS[name];
    if (!createBackbone) continue; // its broker is not there
    test(`${title} [central, ${name}]`, async () => {
      const store = name === "memory" ? createMemoryPresence() : undefined;
      const backbone = createBackbone();
      await fn((count, { presence, ...options } = {}) => {
        const given = typeof presence === "object" ? presence : {};
        return startNodes(backbone, count, { ...options, presence: { ...given, kind: "central", store } });
      });
    }, options);
  }
}

/** The events of a place that a listener gets, and their result. */
export interface Hearing {
  /** `join ann`, `update ann {"name":"Ann"}`, `leave ann`. */
  readonly events: string[];
  /** The members, by the events and by the first list. */
  readonly members: Map<string, string>;
  stop(): void;
}

/** Listens to a place from now on. */
export async function hear(
  presence: ReturnType<PlacesHub["presence"]>,
  by: "user" | "connection" = "user",
): Promise<Hearing> {
  const events: string[] = [];
  const members = new Map<string, string>();
  const put = ({ id, state }: { readonly id: string; readonly state: unknown }) =>
    void members.set(id, JSON.stringify(state ?? null));
  const offs = [
    presence.on("join", (member) => {
      events.push(`join ${member.id}`);
      if (members.has(member.id)) events.push(`twice ${member.id}`);
      put(member);
    }, { by }),
    presence.on("update", (member) => {
      events.push(`update ${member.id} ${JSON.stringify(member.state)}`);
      put(member);
    }, { by }),
    presence.on("leave", ({ id }) => {
      events.push(members.delete(id) ? `leave ${id}` : `unknown ${id}`);
    }, { by }),
  ];
  for (const member of await presence.list({ by })) put(member);
  return { events, members, stop: () => offs.forEach((off) => off()) };
}

/** Waits until all nodes know the same members of a place. */
export async function converged(
  nodes: readonly PlacesNode[],
  room: "room/1" | { readonly topic: "doc/1" },
  ids: readonly string[],
): Promise<void> {
  for (const { hub } of nodes) {
    const list = async () => (await hub.presence(room as "room/1").list()).map(({ id }) => id).join();
    await waitFor(
      async () => await list() === [...ids].sort().join() || Promise.reject(new Error(await list())),
      {
        what: `a node to know that [${ids}] are there`,
        timeoutMs: 10_000,
      },
    );
  }
}

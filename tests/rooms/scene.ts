/**
 * Rooms with history on nodes of one cluster, in one process, and clients that lose their links.
 *
 * @module
 */

import {
  type Client,
  type ClientOptions,
  createClient,
  createMemoryAdapter,
  createMemoryBus,
  defineContract,
  type RoomMeta,
  type RoomRecovery,
} from "@trunkline/hub";
import type { Adapter } from "@trunkline/hub/adapters/adapter";
import { z } from "zod";
import { waitFor } from "../harness.ts";
import { AT_ONCE, createRig, linksTo, type Rig, type RigOptions } from "../hub/rig.ts";

const Line = z.object({ n: z.number() });

export const rooms = defineContract({
  shared: {
    serverToClient: { line: { payload: Line }, nudge: { payload: z.undefined() } },
    topics: { "chat/:id": { payload: Line, history: { size: 8 } } },
  },
  roles: {
    member: {
      clientToServer: { join: { input: z.object({ room: z.string() }), output: z.void() } },
      serverToClient: { secret: { payload: Line } },
    },
    guest: {
      clientToServer: { join: { input: z.object({ room: z.string() }), output: z.void() } },
    },
  },
  presence: { "chat/:id": z.object({}) },
  rooms: { "chat/:id": { history: { size: 8, ttlMs: 60_000 } }, "long/:id": { history: { size: 4_000 } } },
});

export type Definition = (typeof rooms)["definition"];
type Role = "member" | "guest";

/** A node. */
export interface Node extends Rig<Definition>, AsyncDisposable {}

/** Options of a node. */
export type NodeOptions = RigOptions<Definition>;

/** Starts a node, which is ready. Clients join rooms by a request. */
export async function startNode(adapter: Adapter | undefined, options: NodeOptions = {}): Promise<Node> {
  const rig = createRig(rooms, { adapter, ...options });
  const { hub } = rig;
  const join = ({ room }: { room: string }, { conn }: { conn: { readonly id: string } }) =>
    hub.room(room).add(conn);
  hub.implement({ member: { join }, guest: { join } });
  await hub.ready;
  return { ...rig, [Symbol.asyncDispose]: () => hub.close() };
}

/** Starts nodes that know each other. */
export async function startNodes(count: number, options?: () => NodeOptions) {
  const bus = createMemoryBus();
  const nodes: Node[] = [];
  for (let i = 0; i < count; i++) nodes.push(await startNode(createMemoryAdapter({ bus }), options?.()));
  const clients: { close(): Promise<void> }[] = [];
  return {
    nodes: nodes as unknown as readonly [Node, Node, Node],
    /** A client that is to be closed with the nodes. */
    async guest<R extends Role>(role: R, options: Partial<ClientOptions<R>> = {}) {
      const guest = await follow(nodes, role, options);
      clients.push(guest.client);
      return guest;
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) await client.close();
      for (const node of nodes) await node[Symbol.asyncDispose]();
    },
  };
}

/** A client, and what it hears. */
export interface Guest<R extends Role = Role> {
  readonly client: Client<Definition, R>;
  /** The numbers of the lines. */
  readonly heard: number[];
  readonly metas: (RoomMeta | undefined)[];
  readonly recoveries: RoomRecovery[];
  /** Its reports. */
  readonly errors: unknown[];
  /** Puts it into a room, now and on every connection. */
  join(room: string): Promise<void>;
  /** The links break, and no new one is to be had until `back`. */
  drop(): Promise<void>;
  /** Links are to be had again, on these nodes; resolves when it is open. */
  back(...at: readonly Node[]): Promise<void>;
}

/** Makes a client that hears lines. */
export async function follow<R extends Role>(
  nodes: readonly Node[],
  role: R,
  options: Partial<ClientOptions<R>> = {},
): Promise<Guest<R>> {
  const { url, transport, drop, back } = linksTo(nodes);
  const errors: unknown[] = [];
  const client = createClient(rooms, {
    ...AT_ONCE,
    url,
    role,
    transport,
    onError: (error) => void errors.push(error),
    ...options,
  }) as unknown as Client<Definition, R>;
  const heard: number[] = [];
  const metas: Guest["metas"] = [];
  const recoveries: RoomRecovery[] = [];
  const any = client as unknown as Client<Definition, "member">;
  any.on("line", ({ n }, meta) => void (heard.push(n), metas.push(meta)));
  client.onRecovery((recovery) => void recoveries.push(recovery));
  await client.ready;
  return {
    client,
    heard,
    metas,
    recoveries,
    errors,
    join(room) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      client.onOpen(() => any.request("join", { room }).then(resolve, reject));
      return promise;
    },
    drop: () => drop(client),
    back: (...at) => back(client, ...at),
  };
}

/** Waits until a guest has been told so many recoveries. */
export const told = ({ recoveries }: Guest, times: number): Promise<unknown> =>
  waitFor(() => recoveries.length >= times, { what: "the recovery" });

/** Waits until a guest has heard so many lines. */
export const hears = ({ heard }: Guest, count: number): Promise<unknown> =>
  waitFor(() => heard.length >= count, { what: `${count} lines` });

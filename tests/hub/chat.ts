/**
 * A contract and a cluster in one process for the tests of hub and client together.
 *
 * @module
 */

import {
  type Client,
  type ClientErrorInfo,
  type ClientOptions,
  createClient,
  createMemoryAdapter,
  createMemoryBus,
  defineContract,
  type Hub,
  type MemoryBus,
} from "@trunkline/hub";
import { z } from "zod";
import { AT_ONCE, createRig, type Rig, type RigOptions } from "./rig.ts";

const Message = z.object({ room: z.string(), text: z.string() });

export const chat = defineContract({
  shared: {
    serverToClient: { dm: { payload: z.object({ text: z.string() }) } },
    topics: {
      stats: { payload: z.object({ n: z.number() }) },
      "ticker/:symbol": { payload: z.object({ price: z.number() }) },
      "log/:name": { payload: z.object({ n: z.number() }), history: { size: 8, ttlMs: 60_000 } },
      "latest/:key": { payload: z.object({ key: z.string(), n: z.number() }), conflate: "key" },
    },
  },
  roles: {
    member: {
      clientToServer: {
        join: { input: z.object({ room: z.string() }), output: z.void() },
        leave: { input: z.object({ room: z.string() }), output: z.void() },
        say: { input: Message, output: z.object({ id: z.string() }) },
        fail: { input: z.object({ how: z.enum(["known", "unknown", "never"]) }), output: z.void() },
        typing: { payload: z.object({ room: z.string(), at: z.coerce.date() }) },
        boom: { payload: z.object({}) },
      },
      serverToClient: {
        message: { payload: Message.extend({ seq: z.number().default(0) }) },
        confirm: { input: z.object({ question: z.string() }), output: z.boolean() },
      },
    },
    admin: {
      topics: { audit: { payload: z.object({ entry: z.string() }) } },
    },
  },
  serverToServer: {
    invalidate: { payload: z.object({ key: z.string() }) },
    load: { input: z.object({}), output: z.object({ conns: z.number() }) },
  },
});

export type ChatDefinition = (typeof chat)["definition"];
export type ChatHub = Hub<ChatDefinition, { id: string } | undefined, undefined>;
export type Member = Client<ChatDefinition, "member">;

/** A node of a test's cluster, with everything that was reported to it. */
export interface Node extends Rig<ChatDefinition>, AsyncDisposable {
  /** The errors that clients reported because no caller waited for them. */
  readonly clientErrors: { readonly error: unknown; readonly info: ClientErrorInfo }[];
  /** The received `typing` signals. */
  readonly typed: { readonly room: string; readonly at: Date }[];
  /** A client that says it is `token`, and is open. */
  member(token?: string, options?: Partial<ClientOptions<"member">>): Promise<Member>;
  admin(): Promise<Client<ChatDefinition, "admin">>;
}

/** Starts a node; it is ready. Clients are closed with it. */
export async function createNode(
  bus?: MemoryBus,
  options: RigOptions<ChatDefinition> = {},
): Promise<Node> {
  const typed: { room: string; at: Date }[] = [];
  const clientErrors: Node["clientErrors"] = [];
  const clients: { close(): Promise<void> }[] = [];
  const rig = createRig(chat, { adapter: bus && createMemoryAdapter({ bus }), ...options });
  const { hub, loopback } = rig;
  let lastId = 0;
  hub.implement({
    member: {
      join: ({ room }, { conn }) => hub.room(room).add(conn),
      leave: ({ room }, { conn }) => hub.room(room).remove(conn),
      say: (message) => {
        const id = String(++lastId);
        hub.room(message.room).broadcast("message", { ...message, seq: lastId });
        return { id };
      },
      fail: ({ how }, { signal }) => {
        if (how === "known") {
          throw Object.assign(new (class extends Error {})("not a HubError"), { code: "KNOWN" });
        }
        if (how === "unknown") throw new Error("the password is hunter2");
        return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      },
      typing: (payload) => void typed.push(payload),
      boom: () => {
        throw new Error("boom");
      },
    },
  });
  try {
    await hub.ready;
  } catch (error) {
    await hub.close(); // else what it leaves behind is taken for that of the tests after this one
    throw error;
  }

  const connect = {
    url: "ws://loopback",
    transport: loopback.client(),
    ...AT_ONCE,
    onError: (error: unknown, info: ClientErrorInfo) => void clientErrors.push({ error, info }),
  } as const;
  return {
    ...rig,
    clientErrors,
    typed,
    async member(token, options) {
      const client = createClient(chat, { ...connect, role: "member", token, ...options });
      clients.push(client);
      await client.ready;
      return client;
    },
    async admin() {
      const client = createClient(chat, { ...connect, role: "admin" });
      clients.push(client);
      await client.ready;
      return client;
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) await client.close();
      await hub.close();
    },
  };
}

/** Nodes of one cluster that know each other. */
export async function createNodes(
  count: number,
  options?: RigOptions<ChatDefinition>,
): Promise<{ readonly bus: MemoryBus; readonly nodes: readonly Node[] } & AsyncDisposable> {
  const bus = createMemoryBus();
  const nodes = await Promise.all(Array.from({ length: count }, () => createNode(bus, options)));
  return {
    bus,
    nodes,
    async [Symbol.asyncDispose]() {
      for (const node of nodes) await node[Symbol.asyncDispose]();
    },
  };
}

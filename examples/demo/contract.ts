/**
 * What the demo's pages and nodes say to each other. The page bundles this file; the nodes import it.
 *
 * @module
 */

import { defineContract } from "@trunkline/hub/contract";
// The namespace, not `{ z }`: of that a bundler cannot leave anything out.
import * as z from "zod";

export const ROOMS = ["lobby", "random", "ops"] as const;
export const SYMBOLS = ["ACME", "ORBIT", "TIDE"] as const;
/** A tick every so many milliseconds. */
export const TICK_MS = 125;

export const Name = z.string().trim().min(1).max(24);
const RoomName = z.enum(ROOMS);
const TickerSymbol = z.enum(SYMBOLS);
/** Nodes have numbers here, for people; the hub's own ids are UUIDs. */
const NodeNumber = z.number().int().positive();

const Message = z.object({
  /** Given by the page, so that a message which is sent again is known again. */
  id: z.uuid(),
  room: RoomName,
  name: Name,
  text: z.string(),
  at: z.number(),
  node: NodeNumber,
});

const Tick = z.object({
  /** Ticks are numbered by time, on all nodes alike. */
  n: z.number().int(),
  price: z.number(),
  /** The node that published it. */
  node: NodeNumber,
  /** Whether those before it were never published: nobody was there to do it. */
  first: z.boolean(),
});

/** What people say of themselves. Who they are is not in it: that is their user's id, which no page can set. */
const Presence = z.object({ typing: z.boolean() });

const Traffic = z.object({ in: z.number(), out: z.number() });

/** What a node tells the others of itself. */
const Load = z.object({
  /** The hub's own id, by which presence tells who is where. */
  id: z.string(),
  number: NodeNumber,
  connections: z.number().int(),
  /** Messages that came from, and went to, other nodes in the last second. */
  traffic: Traffic,
  publishesTicker: z.boolean(),
  startedAt: z.number(),
});

/** A node as whoever started it sees it; a stopped one is not part of the cluster. */
const Slot = z.object({
  number: NodeNumber,
  url: z.string(),
  state: z.enum(["starting", "running", "stopping", "stopped"]),
});

const ClusterView = z.object({
  /** The node that serves this window, and whose view this is. */
  you: NodeNumber,
  /** Whether it reaches the others, as far as it knows. */
  backplane: z.enum(["up", "down"]),
  slots: z.array(Slot),
  loads: z.array(Load),
  /** Nodes that are known, but did not answer. */
  silent: z.array(z.object({ id: z.string(), number: z.number().int(), state: z.enum(["up", "suspect"]) })),
});

/** Something that came from another node. */
const Crossing = z.object({
  at: z.number(),
  from: NodeNumber,
  to: NodeNumber,
  what: z.enum(["message", "join", "leave"]),
  room: RoomName,
  name: z.string(),
});

export const contract = defineContract({
  shared: {
    topics: {
      "ticker/:symbol": { payload: Tick, history: { size: 320, ttlMs: 60_000 } },
    },
  },
  roles: {
    member: {
      clientToServer: {
        join: { input: z.object({ room: RoomName }), output: z.object({ recent: z.array(Message) }) },
        leave: { input: z.object({ room: RoomName }), output: z.void() },
        say: {
          input: z.object({ id: z.uuid(), room: RoomName, text: z.string().trim().min(1).max(500) }),
          output: Message,
        },
        ticks: { input: z.object({ symbol: TickerSymbol }), output: z.array(Tick) },
      },
      serverToClient: {
        message: { payload: Message },
        cluster: { payload: ClusterView },
        crossing: { payload: Crossing },
      },
    },
  },
  presence: { "chat/:room": { state: Presence, clientsSet: true } },
  serverToServer: {
    said: { payload: Message },
    load: { input: z.object({}), output: Load },
    recent: { input: z.object({}), output: z.array(Message) },
  },
});

/** The hub's room of a chat room: members hear what is said there, and see who is. */
export const chatRoom = (room: RoomName) => `chat/${room}` as const;

export type Definition = (typeof contract)["definition"];
export type RoomName = z.infer<typeof RoomName>;
export type SymbolName = z.infer<typeof TickerSymbol>;
export type Message = z.infer<typeof Message>;
export type Tick = z.infer<typeof Tick>;
export type Presence = z.infer<typeof Presence>;
export type Load = z.infer<typeof Load>;
export type Slot = z.infer<typeof Slot>;
export type ClusterView = z.infer<typeof ClusterView>;
export type Crossing = z.infer<typeof Crossing>;
/** What the page is told before it connects. */
export interface PageConfig {
  readonly adapter: string;
  readonly canKill: boolean;
  /** Whether the broker is the demo's own, to be killed and started. */
  readonly ownBroker: boolean;
  readonly slots: readonly Slot[];
  /** Who the people of this page are by default, and which nodes serve them: its own window, and the second one in it. */
  readonly windows: readonly [WindowPlace, WindowPlace];
}

/** Where a window begins. */
export interface WindowPlace {
  /** Made up. */
  readonly name: string;
  /** The number of its node. */
  readonly node: number;
}

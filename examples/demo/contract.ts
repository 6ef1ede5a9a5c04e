/**
 * The contract between the demo's pages and nodes. The page bundles this file; the nodes import it.
 *
 * @module
 */

import { defineContract } from "@trunkline/hub/contract";
// The namespace, not `{ z }`: from `z` a bundler cannot remove unused code.
import * as z from "zod";

export const ROOMS = ["lobby", "random", "ops"] as const;
export const SYMBOLS = ["ACME", "ORBIT", "TIDE"] as const;
/** The time from one tick to the next, in milliseconds. */
export const TICK_MS = 125;

/** Line ends, other control characters, and marks for the direction of text: they would change the text around a name. */
const UNFIT = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;
const VISIBLE = /[\p{L}\p{N}\p{P}\p{S}]/u;
export const Name = z.string().trim().min(1).max(24).refine((name) =>
  !UNFIT.test(name) && VISIBLE.test(name)
);
const RoomName = z.enum(ROOMS);
const TickerSymbol = z.enum(SYMBOLS);
/** Nodes have numbers here, because people can read them; the hub's own ids are UUIDs. */
const NodeNumber = z.number().int().positive();

const Message = z.object({
  /** The page's id of the message: if the page sends the message again, a node recognises it. */
  id: z.uuid(),
  room: RoomName,
  name: Name,
  text: z.string(),
  at: z.number(),
  node: NodeNumber,
});

const Tick = z.object({
  /** The number of the tick. It follows from the time, so it is the same on all nodes. */
  n: z.number().int(),
  price: z.number(),
  /** The node that published it. */
  node: NodeNumber,
  /** Whether the ticks before it were never published, because no node could do it. */
  first: z.boolean(),
});

/** The state that a user sets. It does not contain the name: that is the user's id, which no page can set. */
const Presence = z.object({ typing: z.boolean() });

const Traffic = z.object({ in: z.number(), out: z.number() });

/** The report of a node to the others. */
const Load = z.object({
  /** The hub's own id. Presence names nodes by it. */
  id: z.string(),
  number: NodeNumber,
  connections: z.number().int(),
  /** The numbers of messages from and to other nodes in the last second. */
  traffic: Traffic,
  publishesTicker: z.boolean(),
  startedAt: z.number(),
});

/** A node, as the supervisor knows it. A stopped node is not part of the cluster. */
const Slot = z.object({
  number: NodeNumber,
  url: z.string(),
  state: z.enum(["starting", "running", "stopping", "stopped"]),
});

const ClusterView = z.object({
  /** The node that serves this window. It sends this view. */
  you: NodeNumber,
  /** Whether that node reaches the others, as far as it knows. */
  backplane: z.enum(["up", "down"]),
  slots: z.array(Slot),
  loads: z.array(Load),
  /** Known nodes that did not answer. */
  silent: z.array(z.object({ id: z.string(), number: z.number().int(), state: z.enum(["up", "suspect"]) })),
});

/** A message or a presence event that came from another node. */
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

/** The hub's room for a chat room. Members get its messages, and see its members. */
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
/** The configuration of the page, before it connects. */
export interface PageConfig {
  readonly adapter: string;
  readonly canKill: boolean;
  /** Whether the demo started the broker. Then the page can kill it and start it. */
  readonly ownBroker: boolean;
  readonly slots: readonly Slot[];
  /** The default names and nodes of the page's own window, and of the second window in it. */
  readonly windows: readonly [WindowPlace, WindowPlace];
}

/** The name and the node with which a window begins. */
export interface WindowPlace {
  /** An invented name. */
  readonly name: string;
  /** The number of its node. */
  readonly node: number;
}

/**
 * The shape of a contract's definition: what an author writes.
 *
 * @module
 */

import type { Schema, SyncSchema } from "./standard_schema.ts";

/** A one-way message: an event (server → client), a signal (client → server) or a bus event (server → server). */
export interface MessageDefinition {
  /** The schema of what is sent; it must answer at once (no asynchronous schema). */
  readonly payload: SyncSchema;
}

/** A call with an answer. */
export interface RequestDefinition {
  /** The schema of what is asked. */
  readonly input: Schema;
  /** The schema of the answer. */
  readonly output: Schema;
}

/** How much of a topic or a room is kept for clients that come back. */
export interface HistoryDefinition {
  /** How many messages are kept at the most, per topic or room. */
  readonly size: number;
  /**
   * How long a message is kept, in milliseconds.
   *
   * @default {Infinity}
   */
  readonly ttlMs?: number;
}

/** A named stream that clients subscribe to. */
export interface TopicDefinition extends MessageDefinition {
  /** Keep history, so that a client that comes back gets what it missed. Absent: none is kept. */
  readonly history?: HistoryDefinition;
  /**
   * For a slow connection, keep only the latest message: `true` of the topic, or the name of a payload property for
   * the latest of each of its values, which are text, numbers or booleans: messages with other values are all kept. Not
   * to be combined with `history`, which never skips a message.
   *
   * @default {false}
   */
  readonly conflate?: boolean | string;
}

/** What one role (or every role, in `shared`) may say and hear. */
export interface SurfaceDefinition {
  /** Signals (`payload`) and requests (`input`, `output`) that clients send. */
  readonly clientToServer?: { readonly [name: string]: MessageDefinition | RequestDefinition };
  /** Events (`payload`) and requests (`input`, `output`) that the server sends. */
  readonly serverToClient?: { readonly [name: string]: MessageDefinition | RequestDefinition };
  /** Topics by pattern: `stats`, `ticker/:symbol`. */
  readonly topics?: { readonly [pattern: string]: TopicDefinition };
}

/** What a member's state is, and who sets it. */
export interface PresenceDefinition {
  /** The schema of the state; it must answer at once (no asynchronous schema). */
  readonly state: SyncSchema;
  /**
   * Whether clients set the state of their own connection. The server always may.
   *
   * @default {false}
   */
  readonly clientsSet?: boolean;
}

/** What is kept of a room. */
export interface RoomDefinition {
  /** Keep what is broadcast to it, so that a client that comes back gets what it missed. */
  readonly history: HistoryDefinition;
}

/** A whole contract. */
export interface ContractDefinition {
  /** What every role has. */
  readonly shared?: SurfaceDefinition;
  /** What each role has beside that. A client connects with exactly one role. */
  readonly roles: { readonly [role: string]: SurfaceDefinition };
  /**
   * Where presence is kept, by pattern: of rooms and topics whose name fits one, all nodes and clients can be told who is in
   * them. The schema is that of a member's state, and has to answer at once.
   */
  readonly presence?: { readonly [pattern: string]: SyncSchema | PresenceDefinition };
  /**
   * Which rooms keep history, by pattern. What is broadcast to a room whose name fits one is numbered and kept; to all other
   * rooms it is sent at most once.
   */
  readonly rooms?: { readonly [pattern: string]: RoomDefinition };
  /** What nodes say to each other: events (`payload`) and requests (`input`, `output`). */
  readonly serverToServer?: { readonly [name: string]: MessageDefinition | RequestDefinition };
}

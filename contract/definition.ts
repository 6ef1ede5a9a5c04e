/**
 * The shape of a contract's definition, as an author writes it.
 *
 * @module
 */

import type { Schema, SyncSchema } from "./standard_schema.ts";

/** A one-way message: an event (server → client), a signal (client → server) or a bus event (server → server). */
export interface MessageDefinition {
  /** The schema of the payload. It must answer at once (no asynchronous schema). */
  readonly payload: SyncSchema;
}

/** A request: a call with an answer. */
export interface RequestDefinition {
  /** The schema of the input. */
  readonly input: Schema;
  /** The schema of the answer. */
  readonly output: Schema;
}

/** How many messages of a topic or a room are kept for clients that come back, and for how long. */
export interface HistoryDefinition {
  /** The largest number of messages that are kept, per topic or room. */
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
  /**
   * Keep history, so that a client that comes back gets the messages that it missed. Without it, no history is kept.
   */
  readonly history?: HistoryDefinition;
  /**
   * Which messages a slow connection may skip. `true`: it gets only the latest message of the topic. The name of a
   * property of the payload: it gets the latest message for each value of that property. The values are text, numbers
   * or booleans; messages with other values are all kept. Cannot be combined with `history`, because history never
   * skips a message.
   *
   * @default {false}
   */
  readonly conflate?: boolean | string;
}

/** What one role (or every role, in `shared`) may send and receive. */
export interface SurfaceDefinition {
  /** Signals (`payload`) and requests (`input`, `output`) that clients send. */
  readonly clientToServer?: { readonly [name: string]: MessageDefinition | RequestDefinition };
  /** Events (`payload`) and requests (`input`, `output`) that the server sends. */
  readonly serverToClient?: { readonly [name: string]: MessageDefinition | RequestDefinition };
  /** Topics by pattern: `stats`, `ticker/:symbol`. */
  readonly topics?: { readonly [pattern: string]: TopicDefinition };
}

/** The schema of a member's state, and whether clients may set it. */
export interface PresenceDefinition {
  /** The schema of the state. It must answer at once (no asynchronous schema). */
  readonly state: SyncSchema;
  /**
   * Whether clients may set the state of their own connection. The server always may.
   *
   * @default {false}
   */
  readonly clientsSet?: boolean;
}

/** The history of a room. */
export interface RoomDefinition {
  /**
   * Keep the messages that are broadcast to the room, so that a client that comes back gets the messages that it
   * missed.
   */
  readonly history: HistoryDefinition;
}

/** A whole contract. */
export interface ContractDefinition {
  /** What every role has. */
  readonly shared?: SurfaceDefinition;
  /** What each role has in addition to `shared`. A client connects with exactly one role. */
  readonly roles: { readonly [role: string]: SurfaceDefinition };
  /**
   * Where presence is kept, by pattern. All nodes can read who is in a room or topic whose name fits one of these
   * patterns, and so can clients. The schema is the schema of a member's state. It must answer at once.
   */
  readonly presence?: { readonly [pattern: string]: SyncSchema | PresenceDefinition };
  /**
   * Which rooms keep history, by pattern. If the name of a room fits a pattern, its messages are numbered and kept.
   * Messages to other rooms are sent at most once.
   */
  readonly rooms?: { readonly [pattern: string]: RoomDefinition };
  /** The messages between nodes: events (`payload`) and requests (`input`, `output`). */
  readonly serverToServer?: { readonly [name: string]: MessageDefinition | RequestDefinition };
}

/**
 * The types of the cluster for users of a hub: nodes, connections on all nodes, and events.
 *
 * @module
 */

import type { CloseOptions } from "../../contract/mod.ts";

/**
 * Whether a node is alive: `"up"` while it sends something, `"suspect"` after a silence of half the node timeout,
 * `"down"` after the whole node timeout.
 */
export type NodeState = "up" | "suspect" | "down";

/** A node of the cluster. */
export interface NodeInfo {
  /** Its id. Each start makes a new id, so a restarted node is a new node. */
  readonly id: string;
  /** Whether it is the node of this hub. */
  readonly self: boolean;
  /** Whether it is alive. */
  readonly state: NodeState;
  /** When it started, in milliseconds since 1970, by its own clock. That clock may be wrong. */
  readonly startedAt: number;
  /** How many connections it had at its last heartbeat; 0 when it is down. */
  readonly connections: number;
}

/** A node that is gone. */
export interface NodeLeft extends NodeInfo {
  /**
   * Why it is gone. `"goodbye"`: it said so. `"silence"`: it sent nothing for too long. `"ended"`: its process ended
   * without a goodbye. Some backplanes tell at once that a node has ended.
   */
  readonly reason: "goodbye" | "silence" | "ended";
}

/** The events of `hub.cluster`, and the value that their listeners get. */
export interface ClusterEvents {
  /** Another node has joined: for the first time, or again after it was down. */
  readonly join: NodeInfo;
  /** Another node is gone: it left, or was silent for too long. Its connections no longer count. */
  readonly leave: NodeLeft;
  /** The state of another node has changed. */
  readonly state: NodeInfo;
  /** There is a new leader: another node, or this one. */
  readonly leader: NodeInfo;
  /** The backplane went up or down. */
  readonly backplane: "up" | "down";
}

/** A listener of one event. `onError` gets the errors that it throws, with stage `"listener"`. */
export type ClusterListener<E extends keyof ClusterEvents> = (value: ClusterEvents[E]) => unknown;

/**
 * Selects the connections that fit every given field. A given field must be text. A field that is `undefined`, or
 * has an unknown name, is refused with a `TypeError`. If the hub ignored the field, the query would select more
 * connections than the caller meant.
 */
export interface ConnectionQuery {
  /** The connection with this id. */
  readonly id?: string;
  /** The connections in this room. */
  readonly room?: string;
  /** The connections of this user. */
  readonly user?: string;
  /** The connections of this role. */
  readonly role?: string;
  /** The connections that subscribe to this topic. */
  readonly topic?: string;
}

/** Every connection of the cluster, said explicitly. */
export interface Everybody {
  /** Always `true`. No other field is allowed. */
  readonly all: true;
}

/**
 * The connections for an order like `disconnect`: a query with at least one field, or {@linkcode Everybody}. An empty
 * query does not compile. Without types it is refused with a `TypeError`.
 */
export type OrderQuery =
  | Everybody & { readonly [K in keyof ConnectionQuery]?: never }
  | { readonly all?: never }
    & {
      readonly [K in keyof ConnectionQuery]-?: Omit<ConnectionQuery, K> & Readonly<Record<K, string>>;
    }[keyof ConnectionQuery];

/** A connection, as other nodes see it. */
export interface ConnectionInfo {
  /** Its id. */
  readonly id: string;
  /** The node that serves it. */
  readonly nodeId: string;
  /** Its role. */
  readonly role: string;
  /** The id of its user; absent for an anonymous connection. */
  readonly user?: string;
}

/**
 * Why a node is missing from a result:
 *
 * - `"timeout"`: it did not answer in time.
 * - `"suspect"`: it has sent nothing for a while, or did not answer an earlier question. So this query waited for it
 *   only a short time.
 * - `"left"`: it left, or was found dead, before it answered.
 * - `"unreachable"`: the backplane is away.
 * - `"failed"`: it answered with an error; `code` and `message` tell which. The node reported the error to its own
 *   `onError`.
 * - `"too-large"`: its answer is larger than nodes may send each other, or than this node takes at once.
 * - `"incomplete"`: a part of its answer was lost on the way.
 * - `"invalid"`: its answer does not fit the contract, or cannot be read. `onError` of this hub got the error.
 * - `"closed"`: this hub is closed, or was closed before the answer came.
 * - `"unknown"`: this hub does not know the other nodes yet: `await hub.ready`. The entry stands for all of them, and
 *   its `node` is `"unknown"`, too.
 */
export type MissingReason =
  | "timeout"
  | "suspect"
  | "left"
  | "unreachable"
  | "failed"
  | "too-large"
  | "incomplete"
  | "invalid"
  | "closed"
  | "unknown";

/** A node that is missing from a result. */
export interface MissingNode {
  /** The node. */
  readonly node: string;
  /** Why. */
  readonly reason: MissingReason;
  /** The code of the error, if there is one. */
  readonly code?: string;
  /** More about the reason, if there is more to tell. */
  readonly message?: string;
}

/** The connections that were found. */
export interface Found {
  /** The connections. */
  readonly connections: readonly ConnectionInfo[];
  /** The nodes that gave no answer, and why. Their connections are not in the result. */
  readonly missing: readonly MissingNode[];
}

/** How many connections were found or reached. */
export interface Counted {
  /** How many. */
  readonly count: number;
  /** The nodes that gave no answer, and why. Their connections are not in the result. */
  readonly missing: readonly MissingNode[];
}

/** Whether a connection was found. */
export interface Existence {
  /** Whether there is one. */
  readonly exists: boolean;
  /**
   * The nodes that gave no answer, and why. Their connections are not in the result. Empty when `exists` is `true`.
   */
  readonly missing: readonly MissingNode[];
}

/** How long to wait for the other nodes. */
export interface ClusterCallOptions {
  /**
   * In milliseconds.
   *
   * @default {the hub's cluster.requestTimeoutMs}
   */
  readonly timeoutMs?: number;
  /** Gives up when aborted. */
  readonly signal?: AbortSignal;
}

/** How long to wait for nodes that disconnect clients, and the code and reason that the clients get. */
export interface DisconnectOptions extends ClusterCallOptions, CloseOptions {}

/**
 * The cluster, as one hub sees it. If a node does not answer, you get the other answers, and `missing` names that
 * node. Before `hub.ready` this hub does not know the other nodes: you get the answers of this node alone, and
 * `missing` has one entry with the reason `"unknown"`. With `startWithoutBackplane` this lasts until the backplane
 * opens for the first time.
 */
export interface Cluster {
  /** Whether the node can reach the backplane at this moment; see also the event of that name. */
  readonly backplane: "up" | "down";
  /**
   * The nodes that this hub knows, itself first. Nodes that are down come last, and the hub forgets them after ten
   * node timeouts.
   */
  nodes(): readonly NodeInfo[];
  /**
   * The node for work that only one node of the cluster should do. It is the node that joined first, among the nodes
   * that are not down. Clocks do not matter. All nodes that know each other agree on the leader, and a new node does
   * not take over from a live one. When a leader has just died, or the network is split, there may be two leaders for
   * a while, or none. So a leader's work must do no harm when it is done twice, or late.
   */
  leader(): NodeInfo;
  /**
   * Listens to an event of the cluster.
   *
   * @param event The event; see {@linkcode ClusterEvents}.
   * @param listener If it throws, `onError` gets the error, and other listeners are still called.
   * @returns Stops the listener.
   * @throws {TypeError} When there is no such event, or the listener is not a function.
   */
  on<E extends keyof ClusterEvents>(event: E, listener: ClusterListener<E>): () => void;
  /**
   * Which connections there are. Without a query, or without a field in it, all connections.
   *
   * @throws {TypeError} When the query has an unknown field, or a field that is not text.
   */
  connections(query?: ConnectionQuery | Everybody, options?: ClusterCallOptions): Promise<Found>;
  /**
   * How many connections there are. Without a query, or without a field in it, all connections.
   *
   * @throws {TypeError} When the query has an unknown field, or a field that is not text.
   */
  count(query?: ConnectionQuery | Everybody, options?: ClusterCallOptions): Promise<Counted>;
  /**
   * Whether there is such a connection. The first node that has one ends the search. If this node has one, it asks no
   * other node. Without a query, or without a field in it, any connection counts.
   *
   * @throws {TypeError} When the query has an unknown field, or a field that is not text.
   */
  exists(query?: ConnectionQuery | Everybody, options?: ClusterCallOptions): Promise<Existence>;
  /**
   * How many connections there are, by the last heartbeat of each node. It asks no other node, so the number may be
   * as old as one heartbeat.
   */
  estimate(): number;
  /**
   * Disconnects connections. The clients do not reconnect by themselves, unless you give a code below 4500.
   *
   * @param query Which connections; `{ all: true }` for all.
   * @param options How long to wait; a close code, by default `CLOSE_CODES.DISCONNECTED`, and a reason.
   * @throws {TypeError} When the query is empty, has an unknown field or a field that is not text, or the reason is
   * wrong. Then no connection is closed.
   * @throws {RangeError} When the code is out of its range.
   */
  disconnect(query: OrderQuery, options?: DisconnectOptions): Promise<Counted>;
  /**
   * Puts connections into a room. Resolves when broadcasts of every node reach them, or the time is up. If the
   * backplane of a node takes longer, the node is in `missing`, and may still add its connections later. This may be
   * the node of this hub.
   *
   * @param query Which connections; `{ all: true }` for all.
   * @throws {TypeError} When the query is empty, has an unknown field or a field that is not text, or the room has no
   * name. Then no connection is added.
   */
  join(query: OrderQuery, room: string, options?: ClusterCallOptions): Promise<Counted>;
  /**
   * Takes connections out of a room.
   *
   * @param query Which connections; `{ all: true }` for all.
   * @throws {TypeError} When the query is empty, has an unknown field or a field that is not text, or the room has no
   * name. Then no connection is removed.
   */
  leave(query: OrderQuery, room: string, options?: ClusterCallOptions): Promise<Counted>;
}

/**
 * The cluster as users of a hub see it: nodes, connections anywhere, and what happens.
 *
 * @module
 */

import type { CloseOptions } from "../../contract/mod.ts";

/**
 * Whether a node lives: `"up"` while it sends something, `"suspect"` when it was silent for half of the node timeout,
 * `"down"` after the whole node timeout.
 */
export type NodeState = "up" | "suspect" | "down";

/** A node of the cluster. */
export interface NodeInfo {
  /** Its identity: another one for each start, so that a node that starts again is another node. */
  readonly id: string;
  /** Whether it is the one that was asked. */
  readonly self: boolean;
  /** Whether it is heard of. */
  readonly state: NodeState;
  /** When it started, in milliseconds since 1970 by its own clock, which may be wrong. */
  readonly startedAt: number;
  /** How many connections it had at its last heartbeat; none when it is down. */
  readonly connections: number;
}

/** A node that is gone. */
export interface NodeLeft extends NodeInfo {
  /**
   * Whether it said `"goodbye"`, was not heard of for too long, or has ended without a goodbye, which some backplanes know at
   * once.
   */
  readonly reason: "goodbye" | "silence" | "ended";
}

/** What listeners of `hub.cluster` get, by event. */
export interface ClusterEvents {
  /** Another node is there: for the first time, or again after it was down. */
  readonly join: NodeInfo;
  /** Another node is gone: it has left, or was silent for too long. Its connections no longer count. */
  readonly leave: NodeLeft;
  /** The state of another node has changed. */
  readonly state: NodeInfo;
  /** There is a new leader: another node, or this one. */
  readonly leader: NodeInfo;
  /** The backplane has come, or gone. */
  readonly backplane: "up" | "down";
}

/** A listener of one event. What it throws is reported to `onError`, with stage `"listener"`. */
export type ClusterListener<E extends keyof ClusterEvents> = (value: ClusterEvents[E]) => unknown;

/**
 * Which connections: those that fit every field that is given. A field that is there has to be text: one that is
 * `undefined`, like one with an unknown name, is refused with a `TypeError`, because without it the query would mean more
 * connections than the caller wanted.
 */
export interface ConnectionQuery {
  /** This one. */
  readonly id?: string;
  /** Those in this room. */
  readonly room?: string;
  /** Those of this user. */
  readonly user?: string;
  /** Those of this role. */
  readonly role?: string;
  /** Those that subscribe to this topic. */
  readonly topic?: string;
}

/** Every connection of the cluster, said on purpose. */
export interface Everybody {
  /** Always `true`, and the only field. */
  readonly all: true;
}

/**
 * Whom an order is for: a query with at least one field, or {@linkcode Everybody}. An order for an empty query does not
 * compile, and is refused with a `TypeError` where types do not see it.
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
  /** The id of its user; absent when anonymous. */
  readonly user?: string;
}

/**
 * Why a node is missing from a result:
 *
 * - `"timeout"`: it did not answer in time.
 * - `"suspect"`: it has sent nothing for a while, or did not answer an earlier question. So this query waited for it
 *   only a short time.
 * - `"left"`: it left, or was found dead, before it had answered.
 * - `"unreachable"`: the backplane is away.
 * - `"failed"`: it answered with an error; `code` and `message` say which. On that node `onError` was told too.
 * - `"too-large"`: its answer is larger than nodes send each other, or than this one takes at once.
 * - `"incomplete"`: a part of its answer was lost on the way.
 * - `"invalid"`: its answer does not fit the contract, or cannot be read. `onError` of this hub was told.
 * - `"closed"`: this hub was closed meanwhile, or before.
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
  | "closed";

/** A node whose part of a result is missing. */
export interface MissingNode {
  /** The node. */
  readonly node: string;
  /** Why. */
  readonly reason: MissingReason;
  /** The code of the error, where there is one. */
  readonly code?: string;
  /** More about it, where there is more to say. */
  readonly message?: string;
}

/** Who was found. */
export interface Found {
  /** The connections. */
  readonly connections: readonly ConnectionInfo[];
  /** The nodes that gave no answer, and why; what they have is not in the result. */
  readonly missing: readonly MissingNode[];
}

/** How many were found, or reached. */
export interface Counted {
  /** How many. */
  readonly count: number;
  /** The nodes that gave no answer, and why; what they have is not in the result. */
  readonly missing: readonly MissingNode[];
}

/** Whether any was found. */
export interface Existence {
  /** Whether there is one. */
  readonly exists: boolean;
  /** The nodes that gave no answer, and why; what they have is not in the result. Empty when there is one. */
  readonly missing: readonly MissingNode[];
}

/** How long to wait. */
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
 * The cluster, as one hub sees it. If a node does not answer, you get the other answers, and `missing` names this node.
 * It cannot name nodes that this one does not know yet: before `hub.ready`, and with `startWithoutBackplane` until the
 * backplane is there for the first time, you get the answers of this node alone.
 */
export interface Cluster {
  /** Whether the backplane can be reached at this moment; see also the event of that name. */
  readonly backplane: "up" | "down";
  /**
   * The nodes that this one knows of, itself first. Those that are down come last, and are forgotten after ten node
   * timeouts.
   */
  nodes(): readonly NodeInfo[];
  /**
   * The node for work that only one node of the cluster should do: the first one that joined, of the nodes that are not
   * down. Clocks play no part. All nodes that know each other agree on the leader, and a new node does not take over
   * from one that is alive. When a leader has just died, or the network is split, there may be two leaders for a while,
   * or none. So a leader's work must do no harm when it is done twice, or late.
   */
  leader(): NodeInfo;
  /**
   * Tells a listener what happens in the cluster.
   *
   * @param event What to listen to; see {@linkcode ClusterEvents}.
   * @param listener If it throws, `onError` gets the error, and other listeners are still called.
   * @returns Stops it.
   * @throws {TypeError} When there is no such event, or the listener is no function.
   */
  on<E extends keyof ClusterEvents>(event: E, listener: ClusterListener<E>): () => void;
  /**
   * Which connections there are. Left out, or without a field, the query means all of them.
   *
   * @throws {TypeError} When the query has a field that is not text or not known.
   */
  connections(query?: ConnectionQuery | Everybody, options?: ClusterCallOptions): Promise<Found>;
  /**
   * How many connections there are. Left out, or without a field, the query means all of them.
   *
   * @throws {TypeError} When the query has a field that is not text or not known.
   */
  count(query?: ConnectionQuery | Everybody, options?: ClusterCallOptions): Promise<Counted>;
  /**
   * Whether there is such a connection: the first node that has one ends the question, and when it is this one, no other
   * is asked. Left out, or without a field, the query means any.
   *
   * @throws {TypeError} When the query has a field that is not text or not known.
   */
  exists(query?: ConnectionQuery | Everybody, options?: ClusterCallOptions): Promise<Existence>;
  /**
   * How many connections there are, by the last heartbeat of each node. It asks no other node, and is up to a heartbeat
   * old.
   */
  estimate(): number;
  /**
   * Disconnects; the clients do not come back by themselves, unless a code below 4500 is given.
   *
   * @param query Whom; `{ all: true }` for everybody.
   * @param options How long to wait; a close code, by default `CLOSE_CODES.DISCONNECTED`, and a reason.
   * @throws {TypeError} When the query gives nothing, or has a field that is not text or not known, or the reason is wrong. Nobody
   * is disconnected then.
   * @throws {RangeError} When the code is out of its range.
   */
  disconnect(query: OrderQuery, options?: DisconnectOptions): Promise<Counted>;
  /**
   * Puts connections into a room. Resolves when broadcasts of every node reach them, or the time is up: a node whose backplane
   * takes longer is missing, this one included, and may put them there later.
   *
   * @param query Whom; `{ all: true }` for everybody.
   * @throws {TypeError} When the query gives nothing, or has a field that is not text or not known, or the room has no
   * name. Nobody is put there then.
   */
  join(query: OrderQuery, room: string, options?: ClusterCallOptions): Promise<Counted>;
  /**
   * Takes connections out of a room.
   *
   * @param query Whom; `{ all: true }` for everybody.
   * @throws {TypeError} When the query gives nothing, or has a field that is not text or not known, or the room has no
   * name. Nobody is taken out then.
   */
  leave(query: OrderQuery, room: string, options?: ClusterCallOptions): Promise<Counted>;
}

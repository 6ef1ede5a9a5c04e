/**
 * The presence options of `createHub`, and their defaults.
 *
 * @module
 */

import type { PresenceStore } from "../../adapters/presence_store.ts";
import type {
  ContractDefinition,
  Names,
  ParamsOf,
  PresenceOf,
  PresenceStateInput,
} from "../../contract/mod.ts";
import type { AnyConnection, HubUser } from "./connection.ts";

/**
 * Where the hub keeps the members. `"gossip"`: every node tells all other nodes, and knows all members. Works with
 * any adapter. `"central"`: in a store that all nodes share. A node knows only the rooms and topics that one of its
 * clients or listeners watches.
 */
export type PresenceKind = "gossip" | "central";

/** The argument of a rule of `presence.authorize`: a client that wants to watch the members of a room or topic. */
export interface PresenceAuthorization<Params, Conn> {
  /** The parameters in the name. */
  readonly params: Params;
  /** The name of the room or topic. */
  readonly name: string;
  /** The connection. */
  readonly conn: Conn;
  /**
   * Aborted when the answer is no longer needed: the client stopped watching, the connection is gone, or the time is
   * up.
   */
  readonly signal: AbortSignal;
}

/** A connection that has entered a room or topic. */
export interface PresenceEntering<Params, Conn> {
  /** The connection. */
  readonly conn: Conn;
  /** The parameters in the name of the room or topic. */
  readonly params: Params;
  /** The name of the room or topic. */
  readonly name: string;
}

/** How a hub keeps presence, without its rules. */
export interface PresenceBaseOptions {
  /**
   * Where the hub keeps the members: the same kind on every node. `"central"` needs a store: from the adapter (Redis
   * and Redis Cluster have one) or from `store`.
   *
   * @default {"gossip"}
   */
  readonly kind?: PresenceKind;
  /** The store for the kind `"central"`, when it is not the adapter's. All nodes of a cluster share one store. */
  readonly store?: PresenceStore;
  /**
   * How long a lost connection of a user still counts as present, in milliseconds. So a user who reloads a page or
   * moves to another node neither leaves nor joins. When the user connects again, the hub removes the lost connection
   * at once. If the user has another connection on another node, the lost one may count as a connection for the whole
   * time. The time also holds for connections of a node that is gone. It does not hold for anonymous connections, for
   * connections that unsubscribe, or for connections that your server removes from the room.
   *
   * @default {0}
   */
  readonly leaveAfterMs?: number;
  /**
   * How long the hub collects changes before it sends them to clients, in milliseconds. It sends the first change
   * after a quiet time at once. It does not mention a member that came and left in between.
   *
   * @default {100}
   */
  readonly intervalMs?: number;
  /**
   * When a room or topic has more members than this, the hub tells clients that watch it only the number of members.
   * Clients then read the members in pages. The hub lists members again when there are fewer than four fifths of this
   * number. It also tells only the number when too many bytes would have to be sent: when all members with their
   * states, or the members that change in one interval, take more than `limits.outbox.maxBytes`. The reason: a client
   * that begins to watch gets all members at once.
   *
   * @default {1000}
   */
  readonly maxListed?: number;
}

/**
 * How a hub keeps presence, when the contract declares `presence`.
 *
 * @typeParam D The contract's definition.
 * @typeParam User The type of a user in the answer of `authenticate`.
 * @typeParam Ctx The type of `ctx` in the answer of `authenticate`.
 */
export interface PresenceOptions<D extends ContractDefinition, User extends HubUser | undefined, Ctx>
  extends PresenceBaseOptions {
  /**
   * Rules that decide which clients may watch the members of a room or topic, by the pattern of `presence` in the
   * contract. They also decide for clients that are members themselves. Only `true` allows. `false` and a thrown
   * error refuse. Any other answer refuses too, and is reported. Without a rule a client may watch while it is a
   * member itself.
   */
  readonly authorize?: {
    readonly [P in Names<PresenceOf<D>>]?: (
      authorization: PresenceAuthorization<ParamsOf<P>, AnyConnection<D, User, Ctx>>,
    ) => boolean | Promise<boolean>;
  };
  /**
   * Gives the first state of a connection that enters a room or topic, by pattern. It must answer at once: a promise
   * is not a state. `undefined` means no state. When the function throws or the state does not fit, the hub reports
   * it and sets no state.
   */
  readonly stateOf?: {
    readonly [P in Names<PresenceOf<D>>]?: (
      entering: PresenceEntering<ParamsOf<P>, AnyConnection<D, User, Ctx>>,
    ) => PresenceStateInput<D, P> | undefined;
  };
}

/**
 * What `createHub` takes for presence, and what it assumes.
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
 * Where the members are kept. `"gossip"`: every node tells all others, and knows all members; with any adapter.
 * `"central"`: in a store that all nodes share; a node knows only the places at which somebody on it looks.
 */
export type PresenceKind = "gossip" | "central";

/** What a rule of `presence.authorize` gets about a client that wants to see the members of a room or topic. */
export interface PresenceAuthorization<Params, Conn> {
  /** The parameters in the name. */
  readonly params: Params;
  /** The name of the room or topic. */
  readonly name: string;
  /** The connection. */
  readonly conn: Conn;
  /** Aborted when nobody waits for the answer any more: the client does not want to see it any more or is gone, or the time is up. */
  readonly signal: AbortSignal;
}

/** A connection that has entered a room or topic. */
export interface PresenceEntering<Params, Conn> {
  /** The connection. */
  readonly conn: Conn;
  /** The parameters in the name of the room or topic. */
  readonly params: Params;
  /** Its name. */
  readonly name: string;
}

/**
 * How a hub keeps presence, where the contract has `presence`.
 *
 * @typeParam D The contract's definition.
 * @typeParam User What `authenticate` calls a user.
 * @typeParam Ctx What `authenticate` attaches to a connection.
 */
export interface PresenceOptions<D extends ContractDefinition, User extends HubUser, Ctx> {
  /**
   * Where it is known who is where; the same on every node. `"central"` needs an adapter that has a store, as those for Redis and
   * Redis Cluster have, or a store.
   *
   * @default {"gossip"}
   */
  readonly kind?: PresenceKind;
  /** With the kind `"central"`: the store, where it is not that of the adapter. All nodes of a cluster share one. */
  readonly store?: PresenceStore;
  /**
   * Which clients may see who is in a room or topic, by the pattern of `presence` in the contract, in it or not: only `true`
   * allows. `false`, or whatever is thrown, refuses; any other answer refuses too, and is reported. Without a rule those may
   * who are in themselves, as long as they are.
   */
  readonly authorize?: {
    readonly [P in Names<PresenceOf<D>>]?: (
      authorization: PresenceAuthorization<ParamsOf<P>, AnyConnection<D, User, Ctx>>,
    ) => boolean | Promise<boolean>;
  };
  /**
   * Gives the first state of a connection that enters a room or topic, by pattern; at once, as a promise is none. What it
   * throws, and a state that does not fit, is reported, and there is none; `undefined` is none.
   */
  readonly stateOf?: {
    readonly [P in Names<PresenceOf<D>>]?: (
      entering: PresenceEntering<ParamsOf<P>, AnyConnection<D, User, Ctx>>,
    ) => PresenceStateInput<D, P> | undefined;
  };
  /**
   * How long a connection that is gone still counts as present, in milliseconds, so that a user who reloads a page or moves to
   * another node neither leaves nor joins: as soon as the user is there again the old connection goes. Where the user is there with
   * another connection on another node one that is gone may still count as a connection for so long. Those of a node that is
   * gone too. Not for anonymous connections, and not for those that are taken out or unsubscribe.
   *
   * @default {0}
   */
  readonly leaveAfterMs?: number;
  /**
   * How long changes are collected before clients get them, in milliseconds. The first change after a quiet time is
   * sent at once. A member that came and left in between is not mentioned.
   *
   * @default {100}
   */
  readonly intervalMs?: number;
  /**
   * With more members than these, clients that look at a room or topic are told only how many there are, and read the members in
   * pages; until there are fewer than four fifths of it. So too where they, or those of them who have changed in an interval, take more than
   * `limits.outbox.maxBytes` with their states: all of them are sent at once to whoever begins to look.
   *
   * @default {1000}
   */
  readonly maxListed?: number;
}

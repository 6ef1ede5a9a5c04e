/**
 * The shared context of all sessions of a hub.
 *
 * @module
 */

import type { Contract } from "../../contract/mod.ts";
import type { AppCalls } from "../connection/app_calls.ts";
import type { HandlerTable } from "./handler_table.ts";
import type { KeyedLimit, Limits } from "./limits.ts";
import type { Middlewares } from "./middleware/middlewares.ts";
import type { Once } from "./once/once.ts";
import type { AnyHubOptions, HubErrorInfo } from "../api/options.ts";
import type { Authentications } from "./admission/authentications.ts";
import type { Refusals } from "./admission/refusals.ts";
import type { Gate } from "./gate.ts";
import type { Connection } from "../connection/connection.ts";
import type { Registry } from "../groups/registry.ts";
import type { Attendances } from "../presence/attendances.ts";
import type { NamedPlaces } from "../presence/named_places.ts";
import type { PresenceSource } from "../presence/source.ts";
import type { Watchers } from "../presence/watchers.ts";
import type { Topics } from "../topics/topics.ts";

/** The presence parts that sessions use. */
export interface SessionPresence {
  /** Tells which rooms and topics have presence. */
  readonly places: NamedPlaces;
  /** Sets the states of connections. */
  readonly attendances: Pick<Attendances, "set">;
  /** The clients that watch. */
  readonly watchers: Watchers;
  /** Reads pages of members. */
  readonly source: Pick<PresenceSource, "page">;
  /** The rules that decide who may watch, by pattern. */
  readonly rules: object;
}

/**
 * The shared context of all sessions of a hub. It saves memory: there are many connections, so each session holds as
 * little as possible.
 */
export interface SessionContext {
  /** The contract. */
  readonly contract: Contract;
  /** Runs the calls of the application. */
  readonly calls: AppCalls;
  /** The options of the application. */
  readonly options: AnyHubOptions & { readonly clock: NonNullable<AnyHubOptions["clock"]> };
  /** The limits. */
  readonly limits: Limits;
  /** The id of this node. */
  readonly nodeId: string;
  /** The heartbeat of connections, in milliseconds. */
  readonly heartbeatMs: number;
  /** How long a rule of `authorize` may take, in milliseconds. */
  readonly authorizeTimeoutMs: number;
  /** How long a client may take to answer, in milliseconds. */
  readonly requestTimeoutMs: number;
  /** The handlers of requests and signals. */
  readonly handlers: HandlerTable;
  /** The functions of `Hub.use`. */
  readonly middlewares: Middlewares;
  /** Remembers requests with an id. */
  readonly once: Once;
  /** The topics. */
  readonly topics: Topics;
  /** The members of rooms, topics, roles and users on this node. */
  readonly registry: Registry;
  /** Presence; absent when the contract declares none. */
  readonly presence?: SessionPresence;
  /** The number of connections of each user. */
  readonly users: KeyedLimit;
  /** The queue of calls of `authenticate`. */
  readonly authentications: Authentications;
  /** The queue of subscribes. */
  readonly subscribes: Gate;
  /** The queue of history reads. */
  readonly historyReads: Gate;
  /** Counts refused clients by reason. */
  readonly refusals: Refusals;
  /** Puts a connection into a room. */
  addToRoom(room: string, conn: Connection): Promise<void>;
  /** Makes the id of a new connection. */
  nextId(): string;
  /** Reports an error that no caller receives. */
  onError(error: unknown, info: HubErrorInfo): void;
}

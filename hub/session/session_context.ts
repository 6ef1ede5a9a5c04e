/**
 * What all sessions of a hub share.
 *
 * @module
 */

import type { Contract } from "../../contract/mod.ts";
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

/** What sessions need to tell clients who is where. */
export interface SessionPresence {
  /** Which rooms and topics are places. */
  readonly places: NamedPlaces;
  /** Sets the states of connections. */
  readonly attendances: Pick<Attendances, "set">;
  /** Who watches. */
  readonly watchers: Watchers;
  /** Reads pages of members. */
  readonly source: Pick<PresenceSource, "page">;
  /** Who may look from outside, by pattern. */
  readonly rules: object;
}

/** What all sessions of a hub share. Whatever can be here is not in each of them: connections are many. */
export interface SessionContext {
  /** The contract. */
  readonly contract: Contract;
  /** What the application gave. */
  readonly options: AnyHubOptions & { readonly clock: NonNullable<AnyHubOptions["clock"]> };
  /** The bounds. */
  readonly limits: Limits;
  /** The identity of this node. */
  readonly nodeId: string;
  /** The heartbeat, in milliseconds. */
  readonly heartbeatMs: number;
  /** How long a rule of `authorize` may take, in milliseconds. */
  readonly authorizeTimeoutMs: number;
  /** How long a client may take to answer, in milliseconds. */
  readonly requestTimeoutMs: number;
  /** What is done with requests and signals. */
  readonly handlers: HandlerTable;
  /** What the application runs around them, and around subscribes. */
  readonly middlewares: Middlewares;
  /** Which requests were done. */
  readonly once: Once;
  /** The topics. */
  readonly topics: Topics;
  /** Who is in what. */
  readonly registry: Registry;
  /** Who is where; absent where the contract keeps no presence. */
  readonly presence?: SessionPresence;
  /** How many connections a user has. */
  readonly users: KeyedLimit;
  /** Who is authenticated next. */
  readonly authentications: Authentications;
  /** Who subscribes next. */
  readonly subscribes: Gate;
  /** Who reads histories next. */
  readonly historyReads: Gate;
  /** Whom it refuses, and why. */
  readonly refusals: Refusals;
  /** Puts a connection into a room. */
  addToRoom(room: string, conn: Connection): Promise<void>;
  /** An id for a new connection. */
  nextId(): string;
  /** Reports an error that no caller receives. */
  onError(error: unknown, info: HubErrorInfo): void;
}

/**
 * The state of a hub, as it tells it over HTTP.
 *
 * @module
 */

import type * as hono from "hono";
import type { RefusalCounts } from "./refusals.ts";

/** A Hono application, for `app.route(path, hub.routes)`. */
export type HubRoutes = hono.Hono;

/** The content of the health page. */
export interface Health {
  /** `"ok"`; `"starting"` before the hub serves; `"degraded"` without the backplane; `"closing"` during shutdown. */
  readonly status: "ok" | "starting" | "degraded" | "closing";
  /**
   * Before the hub serves: the missing handlers, as `role.name`. Absent when all handlers are there, or you gave no
   * part yet.
   */
  readonly missing?: readonly string[];
  /** Why the start has failed: the backplane or the store of histories refused, or is late. Absent otherwise. */
  readonly reason?: string;
  /** Whether the node should get clients. */
  readonly ready: boolean;
  /** The node. */
  readonly node: string;
  /** How many connections it has. */
  readonly connections: number;
  /** How many nodes it knows, including itself. Nodes that are down do not count. */
  readonly nodes: number;
  /** Clients that were refused since the hub was created, by reason; a reason that never occurred is left out. */
  readonly refused: Partial<RefusalCounts>;
  /** The backplane. */
  readonly backplane: {
    /** The adapter. */
    readonly adapter: string;
    /** Whether the node can reach it. */
    readonly status: "up" | "down";
    /** How long it has had this status, in milliseconds. */
    readonly forMs: number;
    /** Why it is down, in the adapter's last words; absent while it is up, or when the adapter gave no reason. */
    readonly reason?: string;
    /**
     * The latest round trip to another node and back, in milliseconds; `null` when there is no other node, or no node
     * has answered yet.
     */
    readonly lagMs: number | null;
    /** How many messages this node dropped because no node of this application could have sent them. */
    readonly malformed: number;
    /**
     * Measurements of the backplane by name, from the adapter: PostgreSQL gives `notifyQueue`, from 0 to 1. Absent
     * when the adapter has none.
     */
    readonly gauges?: Readonly<Record<string, number>>;
  };
}

/**
 * What a hub tells over HTTP of how it is.
 *
 * @module
 */

import type * as hono from "hono";
import type { RefusalCounts } from "./refusals.ts";

/** A Hono application, for `app.route(path, hub.routes)`. */
export type HubRoutes = hono.Hono;

/** What the health page tells. */
export interface Health {
  /** `"ok"`; `"starting"` before the hub serves; `"degraded"` without the backplane; `"closing"` on shutdown. */
  readonly status: "ok" | "starting" | "degraded" | "closing";
  /** Before it serves: the handlers that are missing, as `role.name`; absent where none is, or no part has been given. */
  readonly missing?: readonly string[];
  /** Whether the node should get clients. */
  readonly ready: boolean;
  /** The node. */
  readonly node: string;
  /** How many connections it has. */
  readonly connections: number;
  /** How many nodes it knows of, itself included, but for those that are down. */
  readonly nodes: number;
  /** Clients that were refused since the hub was created, by reason; a reason that never occurred is left out. */
  readonly refused: Partial<RefusalCounts>;
  /** The backplane. */
  readonly backplane: {
    /** The adapter. */
    readonly adapter: string;
    /** Whether it is reachable. */
    readonly status: "up" | "down";
    /** For how long it has been so, in milliseconds. */
    readonly forMs: number;
    /** Why it is down, as the adapter said last; absent while it is up, or when nothing was said. */
    readonly reason?: string;
    /**
     * The latest round trip to another node and back, in milliseconds; `null` when there is none, or none has answered.
     */
    readonly lagMs: number | null;
    /** How much was dropped because no node of this application could have sent it. */
    readonly malformed: number;
    /**
     * What the adapter knows of the backplane's own state, by name: PostgreSQL tells `notifyQueue`, from 0 to 1. Absent when it
     * knows nothing.
     */
    readonly gauges?: Readonly<Record<string, number>>;
  };
}

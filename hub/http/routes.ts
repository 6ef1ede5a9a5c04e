/**
 * The hub's HTTP endpoints.
 *
 * @module
 */

import type * as hono from "hono";
import { Hono } from "hono";
import type { Transport } from "../../transports/transport.ts";

/** A Hono application, for `app.route(path, hub.routes)`. */
export type HubRoutes = hono.Hono;

/** What the health page tells. */
export interface Health {
  /** `"ok"`; `"starting"` before the hub serves; `"degraded"` without the backplane; `"closing"` on shutdown. */
  readonly status: "ok" | "starting" | "degraded" | "closing";
  /** Whether the node should get clients. */
  readonly ready: boolean;
  /** The node. */
  readonly node: string;
  /** How many connections it has. */
  readonly connections: number;
  /** How many nodes it knows of, itself included, but for those that are down. */
  readonly nodes: number;
  /** The backplane. */
  readonly backplane: {
    /** The adapter. */
    readonly adapter: string;
    /** Whether it is reachable. */
    readonly status: "up" | "down";
    /** For how long it has been so, in milliseconds. */
    readonly forMs: number;
    /**
     * The latest round trip to another node and back, in milliseconds; `null` when there is none, or none has answered.
     */
    readonly lagMs: number | null;
    /** How much was dropped because no node of this application could have sent it. */
    readonly malformed: number;
  };
}

/**
 * Makes the endpoints, the transports' at `/` among them. `/health` answers 200 while the hub takes connections, else
 * 503; `/health/ready` also answers 503 when the backplane has been away for too long; `/health/live` answers 200
 * whenever it is asked.
 *
 * @param transports Asked in order.
 * @param health What `/health` tells.
 */
export function createRoutes(transports: readonly Transport[], health: () => Health): Hono {
  const routes = new Hono();
  const noStore = { "cache-control": "no-store" };
  routes.get("/health", (c) => {
    const body = health();
    const serves = body.status === "ok" || body.status === "degraded";
    return c.json(body, serves ? 200 : 503, noStore);
  });
  routes.get("/health/live", (c) => c.json({ live: true }, 200, noStore));
  routes.get("/health/ready", (c) => {
    const { ready, status } = health();
    return c.json({ ready, status }, ready ? 200 : 503, noStore);
  });
  routes.all("/", async (c) => {
    for (const transport of transports) {
      const response = await transport.fetch?.(c.req.raw, c.env);
      if (response) return response;
    }
    return c.text("This is a realtime endpoint: connect with a WebSocket\n", 426, { upgrade: "websocket" });
  });
  return routes;
}

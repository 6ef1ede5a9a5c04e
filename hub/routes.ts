/**
 * The hub's HTTP endpoints.
 *
 * @module
 */

import type * as hono from "hono";
import { Hono } from "hono";
import type { Transport } from "../transports/transport.ts";

/** A Hono application, for `app.route(path, hub.routes)`. */
export type HubRoutes = hono.Hono;

/** What the health page tells. */
export interface Health {
  /** `"ok"`; `"starting"` before the hub serves; `"degraded"` without the backplane; `"closing"` on shutdown. */
  readonly status: "ok" | "starting" | "degraded" | "closing";
  /** The node. */
  readonly node: string;
  /** How many connections it has. */
  readonly connections: number;
  /** How many nodes it knows of, itself included. */
  readonly nodes: number;
  /** The backplane; `malformed` counts what was dropped because no node of this application could have sent it. */
  readonly backplane: {
    readonly adapter: string;
    readonly status: "up" | "down";
    readonly malformed: number;
  };
}

/**
 * Makes the endpoints: `/health` (200 while the hub takes connections, else 503), and the transports' at `/`.
 *
 * @param transports Asked in order.
 * @param health What `/health` tells.
 */
export function createRoutes(transports: readonly Transport[], health: () => Health): Hono {
  const routes = new Hono();
  routes.get("/health", (c) => {
    const body = health();
    const serves = body.status === "ok" || body.status === "degraded";
    return c.json(body, serves ? 200 : 503, { "cache-control": "no-store" });
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

/**
 * The hub's HTTP endpoints.
 *
 * @module
 */

import { Hono } from "hono";
import type { Health } from "../api/health.ts";
import type { Transport } from "../../transports/transport.ts";

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
      // Not those of `c.res`: asking for it makes Hono copy the answer, and a copy of an upgrade is none.
      const response = await transport.fetch?.(c.req.raw, c.env, c.body(null).headers);
      if (response) return response;
    }
    return c.text("This is a realtime endpoint: connect with a WebSocket\n", 426, { upgrade: "websocket" });
  });
  return routes;
}

/**
 * The hub's HTTP endpoints.
 *
 * @module
 */

import { Hono } from "hono";
import type { Health } from "../api/health.ts";
import type { Transport } from "../../transports/transport.ts";

/**
 * Makes the endpoints. The endpoints of the transports are at `/`. `/health` answers 200 while the hub takes
 * connections, and 503 otherwise. `/health/ready` also answers 503 when the backplane has been down for too long.
 * `/health/live` always answers 200.
 *
 * @param transports The transports. The first one that answers a request serves it.
 * @param health Makes the body of `/health`.
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
  // Not asynchronous: an upgrade that need not wait is answered at once.
  routes.all("/", (c) => {
    // Not the headers of `c.res`: reading it makes Hono copy the response, and a copied upgrade does not work.
    const { headers } = c.body(null);
    for (const transport of transports) {
      const response = transport.fetch?.(c.req.raw, c.env, headers);
      if (response) return response;
    }
    return c.text("This is a realtime endpoint: connect with a WebSocket\n", 426, { upgrade: "websocket" });
  });
  return routes;
}

/**
 * The hub's HTTP endpoints.
 *
 * @module
 */

import { type Context, Hono } from "hono";
import type { Health } from "../api/health.ts";
import type { HubErrorInfo } from "../api/options.ts";
import type { Transport } from "../../transports/transport.ts";

/** The handlers at the paths of all hubs. */
const endpoints = new WeakSet<object>();

/** At how many paths a hub looks for other hubs: a pattern such as `/:name` fits any number of them. */
const MAX_LOOKED = 16;

/** The error if another hub is at the same path. The handler of this request is the first one there. */
function notAlone(c: Context): TypeError | undefined {
  const [first, ...others] = c.req.matchedRoutes.filter(({ handler }) => endpoints.has(handler));
  if (!others.some(({ handler, path }) => path === first!.path && handler !== first!.handler)) {
    return undefined;
  }
  return new TypeError(
    `Cannot serve two hubs at ${
      first!.path
    }: this one gets all clients. Give each a path of its own, such as app.route("/chat", hub.routes)`,
  );
}

/**
 * Makes the endpoints. The endpoints of the transports are at `/`. `/health` answers 200 while the hub takes
 * connections, and 503 otherwise. `/health/ready` also answers 503 when the backplane has been down for too long.
 * `/health/live` always answers 200.
 *
 * @param transports The transports. The first one that answers a request serves it.
 * @param health Makes the body of `/health`.
 * @param onError Told of another hub at the same path, at the first request there.
 */
export function createRoutes(
  transports: readonly Transport[],
  health: () => Health,
  onError: (error: unknown, info: HubErrorInfo) => void,
): Hono {
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
  const looked = new Set<string>();
  // Not asynchronous: an upgrade that need not wait is answered at once.
  const endpoint = (c: Context) => {
    const { path } = c.req;
    if (looked.size < MAX_LOOKED && !looked.has(path)) {
      looked.add(path);
      const fault = notAlone(c);
      if (fault) onError(fault, { stage: "connection" });
    }
    // Not the headers of `c.res`: reading it makes Hono copy the response, and a copied upgrade does not work.
    const { headers } = c.body(null);
    for (const transport of transports) {
      const response = transport.fetch?.(c.req.raw, c.env, headers);
      if (response) return response;
    }
    return c.text("This is a realtime endpoint: connect with a WebSocket\n", 426, { upgrade: "websocket" });
  };
  endpoints.add(endpoint);
  routes.all("/", endpoint);
  return routes;
}

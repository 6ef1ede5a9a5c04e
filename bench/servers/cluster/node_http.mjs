/** Serves on Node, as `serve.ts` does on the other runtimes. @module */

import { createServer } from "node:http";
import { arrived, order } from "./order.mjs";

/**
 * The answers of other paths than `/stats`.
 *
 * @type {Record<string, (query: Record<string, string>) => Promise<object> | object>}
 */
export const routes = {};

/** A server that answers `/stats`. Call `listen` when everything else is ready. */
export const http = createServer((request, response) => {
  const { pathname, search, searchParams } = new URL(request.url, "http://localhost");
  const send = (answer) => response.setHeader("content-type", "application/json").end(JSON.stringify(answer));
  if (Object.hasOwn(routes, pathname)) {
    const answer = async () => await routes[pathname](Object.fromEntries(searchParams));
    return answer().then(send, (error) => response.writeHead(500).end(error.message));
  }
  if (pathname !== "/stats") return response.writeHead(404).end();
  if (search === "?gc") globalThis.gc?.();
  const { rss, heapUsed } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  send({ rss, heapUsed, cpuMs: (user + system) / 1_000, stats: arrived });
});

/** Listens on its port of 127.0.0.1, or on a free one; prints `{"port":…}`. */
export function listen() {
  http.listen(order.port ?? 0, "127.0.0.1", () => console.log(JSON.stringify({ port: http.address().port })));
}

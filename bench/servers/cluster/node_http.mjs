/** Serving on Node as `serve.ts` does on the other runtimes. @module */

import { createServer } from "node:http";
import { arrived } from "./order.mjs";

/** A server that answers `/stats`; to be listened with once all else is ready. */
export const http = createServer((request, response) => {
  if (!request.url.startsWith("/stats")) return response.writeHead(404).end();
  if (request.url.endsWith("?gc")) globalThis.gc?.();
  const { rss, heapUsed } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  response.setHeader("content-type", "application/json").end(
    JSON.stringify({ rss, heapUsed, cpuMs: (user + system) / 1_000, stats: arrived }),
  );
});

/** Listens to a free port of 127.0.0.1; prints `{"port":…}`. */
export function listen() {
  http.listen(0, "127.0.0.1", () => console.log(JSON.stringify({ port: http.address().port })));
}

/**
 * Serves on a port of 127.0.0.1, on whichever runtime this is, says where, and answers `/stats` with the memory
 * and processor time of the process: `/stats?gc` after a garbage collection.
 *
 * @module
 */

/** What is served. */
export interface Served {
  /** Answers requests; the second argument is what the runtime passes along. */
  fetch(request: Request, platform: never): Response | Promise<Response>;
  /** Bun's WebSocket handlers. */
  readonly websocket?: object;
  /** Where; a free port when absent. */
  readonly port?: number;
  /** Counts to tell beside the memory. */
  stats?(): object;
}

/** Some questions take long to answer, in seconds; Bun would cut them off. */
const IDLE_SECONDS = 120;

/** Serves; prints `{"port":…}`. */
export function serve({ fetch, websocket, port = 0, stats }: Served): void {
  const handle = (request: Request, platform: unknown) => {
    const { pathname, search } = new URL(request.url);
    if (pathname !== "/stats") return fetch(request, platform as never);
    if (search === "?gc") collectGarbage();
    const { rss, heapUsed } = process.memoryUsage();
    const { user, system } = process.cpuUsage();
    return Response.json({ rss, heapUsed, cpuMs: (user + system) / 1_000, stats: stats?.() });
  };
  const { Bun } = globalThis as { Bun?: { serve(options: object): { port: number } } };
  if (Bun) {
    const options = { port, hostname: "127.0.0.1", idleTimeout: IDLE_SECONDS };
    const server = Bun.serve({ ...options, fetch: handle, websocket });
    console.log(JSON.stringify({ port: server.port }));
  } else {
    const onListen = ({ port }: { port: number }) => console.log(JSON.stringify({ port }));
    Deno.serve({ port, hostname: "127.0.0.1", onListen }, handle);
  }
}

function collectGarbage(): void {
  const { Bun, gc } = globalThis as { Bun?: { gc(force: boolean): void }; gc?: () => void };
  if (Bun) Bun.gc(true);
  else gc?.();
}

/**
 * Serves on a port of 127.0.0.1, on any runtime, and prints the port. Answers `/stats` with the memory and the processor
 * time of the process, and `/stats?gc` with the same after a garbage collection.
 *
 * @module
 */

/** The server's options. */
export interface Served {
  /** Answers requests. The second argument comes from the runtime. */
  fetch(request: Request, platform: never): Response | Promise<Response>;
  /** Bun's WebSocket handlers. */
  readonly websocket?: object;
  /** The port; a free one by default. */
  readonly port?: number;
  /** Counts for `/stats`, in addition to the memory. */
  stats?(): object;
}

/** The idle timeout of Bun, in seconds: some answers take long, and Bun would close their connections. */
const IDLE_SECONDS = 120;

/** Starts the server, and prints `{"port":…}`. */
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

/**
 * Listening on a port of this machine, and nowhere else.
 *
 * @module
 */

/** Where to listen. */
export interface Wanted {
  /** The port; 0 for any free one. */
  readonly port: number;
  /** What to do when it is taken: take any free one, or wait a little for whoever is about to leave it. */
  readonly ifBusy: "any" | "wait";
}

/** A server that listens. */
export interface Listening {
  readonly port: number;
  /** Ends it with its connections. */
  close(): Promise<void>;
}

const WAIT_MS = 3_000;
const RETRY_MS = 50;

/**
 * Listens on 127.0.0.1.
 *
 * @param fetch Answers requests.
 * @param wanted The port.
 * @throws {Error} When the port stays taken.
 */
export async function listen(
  fetch: (request: Request, info: Deno.ServeHandlerInfo) => Response | Promise<Response>,
  { port, ifBusy }: Wanted,
): Promise<Listening> {
  const end = performance.now() + WAIT_MS;
  for (;;) {
    try {
      return serve(fetch, port);
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
      if (ifBusy === "any") return serve(fetch, 0);
      if (performance.now() > end) {
        throw new Error(`Port ${port} is taken by another program`, { cause: error });
      }
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

function serve(fetch: Parameters<typeof listen>[0], port: number): Listening {
  const abort = new AbortController();
  const server = Deno.serve({ hostname: "127.0.0.1", port, signal: abort.signal, onListen() {} }, fetch);
  return {
    port: server.addr.port,
    close() {
      abort.abort();
      return server.finished;
    },
  };
}

/**
 * Listens on a port, for this machine only.
 *
 * @module
 */

/** The port to listen on. */
export interface Wanted {
  /** The port; 0 for any free one. */
  readonly port: number;
  /** If the port is taken: use any free port, or wait a little until another program leaves it. */
  readonly ifBusy: "any" | "wait";
}

/** A listening server. */
export interface Listening {
  readonly port: number;
  /** Closes the server and its connections. */
  close(): Promise<void>;
}

const WAIT_MS = 3_000;
const RETRY_MS = 50;

/**
 * Listens on 127.0.0.1.
 *
 * @param fetch Answers requests.
 * @param wanted The port.
 * @throws {Error} If the port stays taken.
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
      if (!(error instanceof Deno.errors.AddrInUse)) {
        throw new Error(`Cannot listen on port ${port}: ${(error as Error).message}`, { cause: error });
      }
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

/**
 * The one place where tests start a server of the runtime that runs them.
 *
 * @module
 */

import type { BunWebSocketHandler } from "../transports/websocket/bun_handler.ts";
import { runtime } from "./runtime.ts";

/** The options of the server. */
export interface ServeOptions {
  /**
   * Answers requests. `platform` is what the runtime's server passes along: Deno's connection information, Bun's
   * server. A Hono application's `fetch` fits.
   */
  fetch(request: Request, platform: unknown): Response | Promise<Response>;
  /** The WebSocket handlers of Bun's server: `hub.websocket`. */
  readonly websocket?: BunWebSocketHandler;
  /**
   * The port at 127.0.0.1.
   *
   * @default {0, a free one}
   */
  readonly port?: number;
}

/** A server that runs. */
export interface Served {
  /** The port at 127.0.0.1. */
  readonly port: number;
  /** Ends it with all of its connections. Idempotent. */
  close(): Promise<void>;
}

/** The part of Bun's global that is used. */
interface BunGlobal {
  serve(options: {
    readonly hostname: string;
    readonly port: number;
    fetch(request: Request, server: unknown): Response | Promise<Response>;
    readonly websocket?: BunWebSocketHandler;
  }): { readonly port: number; stop(closeActiveConnections: boolean): Promise<void> };
}

const HOSTNAME = "127.0.0.1";

/**
 * Serves at a port of 127.0.0.1.
 *
 * @param options What to serve.
 */
export function serve(options: ServeOptions): Served {
  return runtime === "bun" ? serveWithBun(options) : serveWithDeno(options);
}

function serveWithBun({ fetch, websocket, port = 0 }: ServeOptions): Served {
  const { Bun } = globalThis as unknown as { readonly Bun: BunGlobal };
  const server = Bun.serve({ hostname: HOSTNAME, port, fetch, ...(websocket && { websocket }) });
  return { port: server.port, close: () => server.stop(true) };
}

function serveWithDeno({ fetch, port = 0 }: ServeOptions): Served {
  const abort = new AbortController();
  const server = Deno.serve(
    { hostname: HOSTNAME, port, signal: abort.signal, onListen() {} },
    (request, info) => fetch(request, info),
  );
  return {
    port: server.addr.port,
    close() {
      abort.abort();
      return server.finished;
    },
  };
}

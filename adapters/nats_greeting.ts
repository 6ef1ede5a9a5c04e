/**
 * The first word of a NATS server, heard on a connection of its own before the client library connects: of a server that
 * accepts and says nothing, because it is frozen or something between swallows everything, `nats` 2 gives up in time but
 * leaves the socket open, and the process does not end.
 *
 * @module
 */

import { connect, type Socket } from "node:net";
import type { ServerAddress } from "./nats_servers.ts";

/** What a server says before anybody has said anything. */
export interface Greeting {
  /** Whether it speaks only TLS from here on. */
  readonly tlsRequired: boolean;
  /** Whether it would. */
  readonly tlsAvailable: boolean;
}

/** What listens there is no NATS server. */
export class ForeignServerError extends Error {
  override readonly name = "ForeignServerError";
}

/** Longer than any `INFO` line: whoever says so much without ending it is something else. */
const MAX_GREETING_LENGTH = 256 * 1024;

const MARK = "INFO ";

/** How to listen for a greeting. */
export interface GreetOptions {
  /** Ends the wait. */
  readonly signal: AbortSignal;
  /** How long to wait. */
  readonly timeoutMs: number;
}

/**
 * Hears a server out.
 *
 * @param address The server.
 * @param options How long to wait.
 * @returns What it said. Rejects with a {@linkcode ForeignServerError} when that is no NATS greeting, and with the cause
 * when it cannot be reached.
 */
export function hearGreeting(address: ServerAddress, { signal, timeoutMs }: GreetOptions): Promise<Greeting> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect({ host: address.hostname, port: address.port });
    let outcome: (() => void) | undefined;
    // Settles when the socket is gone, so that nothing of it outlives the answer.
    const end = (settle: () => void) => {
      outcome ??= settle;
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
      socket.destroy();
    };
    const timer = setTimeout(
      () => end(() => reject(new Error(`it said nothing for ${timeoutMs} ms`))),
      timeoutMs,
    );
    const abort = () => end(() => reject(signal.reason));
    let text = "";
    socket.setEncoding("latin1");
    socket.on("data", (part) => {
      text += part;
      try {
        const greeting = readGreeting(text);
        if (greeting) end(() => resolve(greeting));
      } catch (cause) {
        end(() => reject(new ForeignServerError("what listens there does not speak NATS", { cause })));
      }
    });
    socket.on("error", (error) => end(() => reject(error)));
    socket.on("close", () => {
      end(() => reject(new Error("it closed the connection at once")));
      outcome?.();
    });
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort);
  });
}

/** Throws when it is none; returns nothing while it may become one. */
function readGreeting(text: string): Greeting | undefined {
  if (!MARK.startsWith(text.slice(0, MARK.length)) || text.length > MAX_GREETING_LENGTH) {
    throw new TypeError(`It starts with ${JSON.stringify(text.slice(0, 20))}`);
  }
  const end = text.indexOf("\r\n");
  if (end < 0) return undefined;
  const info = JSON.parse(text.slice(MARK.length, end));
  return { tlsRequired: info.tls_required === true, tlsAvailable: info.tls_available === true };
}

/**
 * Reads why Redis refuses a connection. At `maxclients` it sends an error at once, and closes. The client library has
 * sent a command by then, so the system discards the error together with the connection.
 *
 * @module
 */

import { connect } from "node:net";
import { isReply } from "./errors.ts";

/** Redis sends the error at once, or not at all. */
const WAIT_MS = 500;

/** Errors of connections that the other side has closed. */
const CLOSED = /EPIPE|ECONNRESET|Stream isn't writeable|connection (is|was) closed/i;

/**
 * Asks a server that has closed a new connection for the reason.
 *
 * @param error The error of the connection.
 * @param host The server's host; without TLS.
 * @param port Its port.
 * @returns The server's error, or `error` if the server sends none.
 */
export async function whyClosed(error: unknown, host: string, port: number): Promise<unknown> {
  if (isReply(error) || !(error instanceof Error && CLOSED.test(error.message))) return error;
  const said = await firstLine(host, port);
  const reply = said?.startsWith("-") ? new Error(said.slice(1), { cause: error }) : undefined;
  return reply && isReply(reply) ? reply : new Error("it closed the connection at once", { cause: error });
}

/** Reads the first line that the server sends without a command. */
async function firstLine(host: string, port: number): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const socket = connect({ host, port });
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  const timer = setTimeout(resolve, WAIT_MS);
  let text = "";
  socket.on("data", (bytes) => {
    text += new TextDecoder().decode(bytes as Uint8Array<ArrayBuffer>);
    if (text.includes("\n") || text.length > 1_024) resolve();
  });
  socket.on("error", () => resolve());
  socket.on("close", () => resolve());
  await promise;
  clearTimeout(timer);
  socket.destroy();
  await closed;
  return /^(.*?)\r?\n/.exec(text)?.[1];
}

/**
 * What a Redis says to somebody whom it does not let in: at `maxclients` it answers before it is asked, and closes. A client
 * library has written by then, and the system drops the answer with the connection.
 *
 * @module
 */

import { connect } from "node:net";
import { isReply } from "./errors.ts";

/** It is said at once, or not at all. */
const WAIT_MS = 500;

/** What connections end with that were closed by the other side. */
const CLOSED = /EPIPE|ECONNRESET|Stream isn't writeable|connection (is|was) closed/i;

/**
 * Asks a server that has closed a new connection why it did.
 *
 * @param error What the connection ended with.
 * @param host Where the server is; without TLS.
 * @param port Its port.
 * @returns What the server says, else the error.
 */
export async function whyClosed(error: unknown, host: string, port: number): Promise<unknown> {
  if (isReply(error) || !(error instanceof Error && CLOSED.test(error.message))) return error;
  const said = await firstLine(host, port);
  const reply = said?.startsWith("-") ? new Error(said.slice(1), { cause: error }) : undefined;
  return reply && isReply(reply) ? reply : new Error("it closed the connection at once", { cause: error });
}

/** Reads what comes without a question. */
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

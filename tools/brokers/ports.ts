/**
 * Ports of 127.0.0.1 for a test's servers.
 *
 * @module
 */

import { once } from "node:events";
import { createServer } from "node:net";

/**
 * Below the ports of outgoing connections on every system. So no other connection gets the port of a stopped server, and a
 * client that reconnects cannot reach itself.
 */
const FIRST_PORT = 10_240;
const LAST_PORT = 32_000;

const MAX_TRIES = 50;

/** A program could not listen on its port. */
export class PortTakenError extends Error {
  override readonly name = "PortTakenError";
}

/**
 * Finds a port that was free a moment ago.
 *
 * @returns The port.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT));
    if (await isFree(port)) return port;
  }
  throw new Error(`Cannot find a free port among ${MAX_TRIES} of 127.0.0.1`);
}

/**
 * Starts a program on a port. If another program was faster, tries another port.
 *
 * @param start Starts it; rejects with {@linkcode PortTakenError} if the port is taken.
 * @returns The result of `start`.
 */
export async function onFreePort<T>(start: (port: number) => Promise<T>): Promise<T> {
  for (let tries = 1;; tries++) {
    try {
      return await start(await freePort());
    } catch (error) {
      if (!(error instanceof PortTakenError) || tries === MAX_TRIES) throw error;
    }
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
  } catch {
    return false;
  }
  server.close();
  await once(server, "close");
  return true;
}

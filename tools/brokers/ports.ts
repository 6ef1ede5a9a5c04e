/**
 * Ports of 127.0.0.1 for the servers of a test.
 *
 * @module
 */

import { once } from "node:events";
import { createServer } from "node:net";

/**
 * Below every system's range of ports for outgoing connections: while a server is away, nothing else gets its port then,
 * nor does a client that tries to reconnect reach itself.
 */
const FIRST_PORT = 10_240;
const LAST_PORT = 32_000;

const MAX_TRIES = 50;

/** A program could not listen to its port. */
export class PortTakenError extends Error {
  override readonly name = "PortTakenError";
}

/**
 * Finds a port that nobody listened to a moment ago.
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
 * Starts a program on a port, and on another when somebody was faster.
 *
 * @param start Starts it; rejects with {@linkcode PortTakenError} when the port is taken.
 * @returns What `start` returned.
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

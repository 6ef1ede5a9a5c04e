/**
 * Ports of this machine.
 *
 * @module
 */

import { once } from "node:events";
import { createServer } from "node:net";

/** Below the ports of outgoing connections, so no other connection takes the port of a killed node. */
const FIRST = 10_240;
const COUNT = 20_000;
const MAX_TRIES = 100;

/**
 * Finds a free port of 127.0.0.1.
 *
 * @param wanted The port to try first.
 */
export async function freePort(wanted = 0): Promise<number> {
  if (wanted !== 0 && await isFree(wanted)) return wanted;
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const port = FIRST + Math.floor(Math.random() * COUNT);
    if (await isFree(port)) return port;
  }
  throw new Error("Cannot find a free port of 127.0.0.1");
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

/**
 * Checks whether a node that this one can talk to listens at an address. The library itself retries for ever, without a
 * report.
 *
 * @module
 */

import { connect, type Socket } from "node:net";
import { systemClock } from "../../contract/clock.ts";
import { systemWords } from "../kit/failure.ts";
import { orAborted } from "../kit/or_aborted.ts";
import { systemAddress } from "./addresses.ts";
import type { Security } from "./curve.ts";
import { ConnectError } from "./errors.ts";
import { checkGreeting } from "./greeting.ts";

/**
 * Connects, reads the greeting of the other side, and closes the connection.
 *
 * @param address A ZeroMQ address.
 * @param security The security options of this node.
 * @param signal Ends the attempt.
 * @returns Rejects when no process listens at the address, or one that this node cannot talk to.
 */
export async function preflight(address: string, security: Security, signal: AbortSignal): Promise<void> {
  await connected(address, (socket) => orAborted(checkGreeting(socket, security), signal), signal);
}

/** Connects for the time of an action. */
async function connected(
  address: string,
  action: (socket: Socket) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  const socket = connect(systemAddress(address));
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.once("connect", resolve);
  socket.on("error", (error: Error & { code?: string }) => {
    reject(new ConnectError("unreachable", systemWords(error.code) ?? error.message, error));
  });
  promise.catch(() => {});
  try {
    await orAborted(promise, signal);
    await action(socket);
  } finally {
    socket.destroy();
  }
}

/** How long a closed address may stay in use, and how often to check, in milliseconds. */
const FREE_WITHIN_MS = 1_000;
const LOOK_EVERY_MS = 2;

/**
 * Waits until addresses are free. The library closes a listening socket in a thread of its own, and does not report
 * when. A new socket on the same address could fail right after.
 *
 * @param addresses The addresses of the closed sockets, if they listened.
 * @returns Resolves after a second at the latest, because another process may listen there.
 */
export async function untilFree(...addresses: readonly (string | null)[]): Promise<void> {
  const late = new AbortController();
  const cancel = systemClock.after(FREE_WITHIN_MS, () => late.abort());
  await Promise.all(addresses.map((address) => address && whileTaken(address, late.signal)));
  cancel();
}

async function whileTaken(address: string, signal: AbortSignal): Promise<void> {
  while (await connected(address, async () => {}, signal).then(() => true, () => false)) {
    const { promise, resolve } = Promise.withResolvers<void>();
    systemClock.after(LOOK_EVERY_MS, resolve);
    await promise;
  }
}

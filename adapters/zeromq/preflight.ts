/**
 * Whether anybody listens at an address: the library tries for ever and does not say.
 *
 * @module
 */

import { connect } from "node:net";
import { systemClock } from "../../contract/clock.ts";
import { systemWords } from "../kit/failure.ts";
import { orAborted } from "../kit/or_aborted.ts";
import { ConnectError } from "./errors.ts";
import { systemAddress } from "./addresses.ts";

/**
 * Connects, and closes the connection at once.
 *
 * @param address An address of ZeroMQ.
 * @param signal Gives up.
 * @returns Rejects when nobody listens there.
 */
export async function preflight(address: string, signal: AbortSignal): Promise<void> {
  const socket = connect(systemAddress(address));
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.once("connect", resolve);
  socket.once("error", (error: Error & { code?: string }) => {
    reject(new ConnectError("unreachable", systemWords(error.code) ?? error.message, error));
  });
  try {
    await orAborted(promise, signal);
  } finally {
    promise.catch(() => {});
    socket.on("error", () => {});
    socket.destroy();
  }
}

/** How long an address that was closed may still be taken, and how often to look, in milliseconds. */
const FREE_WITHIN_MS = 1_000;
const LOOK_EVERY_MS = 2;

/**
 * Waits until nobody listens at addresses any more. The library ends a socket that listens in a thread of its own, and does not say
 * when: who listens at the same address right after it would be refused.
 *
 * @param addresses Where sockets have listened that are closed, if they have.
 * @returns Resolves after a second at the latest, as somebody else may listen there.
 */
export async function untilFree(...addresses: readonly (string | null)[]): Promise<void> {
  const late = new AbortController();
  const cancel = systemClock.after(FREE_WITHIN_MS, () => late.abort());
  await Promise.all(addresses.map((address) => address && whileTaken(address, late.signal)));
  cancel();
}

async function whileTaken(address: string, signal: AbortSignal): Promise<void> {
  while (await preflight(address, signal).then(() => true, () => false)) {
    const { promise, resolve } = Promise.withResolvers<void>();
    systemClock.after(LOOK_EVERY_MS, resolve);
    await promise;
  }
}

/**
 * Whether anybody listens at an address: the library tries for ever and does not say.
 *
 * @module
 */

import { connect } from "node:net";
import { orAborted } from "../kit/or_aborted.ts";
import { ConnectError } from "./errors.ts";
import { systemAddress } from "./addresses.ts";

/** The words for what systems say. */
const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nobody listens there",
  ENOENT: "nobody listens there",
  ENOTFOUND: "there is no host of that name",
};

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
    reject(new ConnectError("unreachable", WORDS[error.code ?? ""] ?? error.message, error));
  });
  try {
    await orAborted(promise, signal);
  } finally {
    promise.catch(() => {});
    socket.on("error", () => {});
    socket.destroy();
  }
}

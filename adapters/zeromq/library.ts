/**
 * Loads the ZeroMQ library, which is native code.
 *
 * @module
 */

import process from "node:process";
import type { Context, Dealer, Reply, Router, XPublisher, XSubscriber } from "zeromq";
import { LibraryError, loadLibrary } from "../kit/library.ts";

/** The library. */
export type ZeroMq = typeof import("zeromq");

/** A socket of any type that the adapter uses. */
export type AnySocket = Dealer | Reply | Router | XPublisher | XSubscriber;

export type { Context, Dealer, Reply, Router, XPublisher, XSubscriber };

/**
 * Loads the library.
 *
 * @throws {LibraryError} If the library is not installed, or would end the process.
 */
export async function loadZeroMq(): Promise<ZeroMq> {
  // Bun 1.4 has no `uv_poll_init_socket`: it panics at the first socket, and no code can catch that.
  if (process.versions.bun !== undefined) {
    throw new LibraryError(
      `Cannot use ZeroMQ on Bun ${process.versions.bun}: the native code of \`zeromq\` would end the process. ` +
        "Run this node on Deno, or choose another adapter",
      { cause: new Error("Bun has no uv_poll_init_socket") },
    );
  }
  return await loadLibrary("zeromq", "", () => import("zeromq"));
}

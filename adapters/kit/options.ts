/**
 * The options that all adapters for engines have in common.
 *
 * @module
 */

import { type Clock, systemClock } from "../../contract/clock.ts";
import { count, having, ms } from "../../contract/options/option_kinds.ts";
import { isBag, type Kind, or } from "../../contract/options/read_options.ts";

/** The rows of {@linkcode engineRows}. */
export interface EngineRows {
  /** How long connecting may take. */
  readonly connectTimeoutMs: Kind<number>;
  /** How often to probe connections. */
  readonly probeIntervalMs: Kind<number>;
  /** How long a connection may take to answer a probe. */
  readonly probeTimeoutMs: Kind<number>;
  /** The largest message. */
  readonly maxMessageBytes: Kind<number>;
  /** How many bytes may wait for an answer. */
  readonly maxPendingBytes: Kind<number>;
  /** The source of time. */
  readonly clock: Kind<Clock>;
}

/**
 * The rows for times, limits and the clock.
 *
 * @param defaults The defaults of the limits, in bytes.
 */
export function engineRows(
  defaults: { readonly maxMessageBytes: number; readonly maxPendingBytes: number },
): EngineRows {
  return {
    connectTimeoutMs: or(ms(), 5_000),
    probeIntervalMs: or(ms(), 5_000),
    probeTimeoutMs: or(ms(), 5_000),
    maxMessageBytes: or(count(), defaults.maxMessageBytes),
    maxPendingBytes: or(count(), defaults.maxPendingBytes),
    clock: or(having<Clock>("a clock with now() and after()", "now", "after"), systemClock),
  };
}

/**
 * The row for a required prefix. Without different prefixes, two applications on one engine would be one cluster,
 * without any error.
 *
 * @param title The engine, for the error.
 */
export function prefixFor(title: string): Kind<string> {
  return (value, { owner, path }) => {
    if (typeof value === "string" && value !== "" && value.isWellFormed()) return value;
    const what = value === undefined
      ? `Cannot do without ${path} of ${owner}`
      : `Cannot use this ${path} of ${owner}`;
    throw new TypeError(
      `${what}: it keeps applications on one ${title} apart; give well-formed text that is not empty, such as ` +
        `prefix: "my-app"`,
    );
  };
}

/**
 * Refuses an address in place of options, because it holds no prefix. The error does not repeat the address, because it
 * may hold a password.
 *
 * @param owner The function that takes the options.
 * @param given The user's options.
 * @param address The name of the option for the address.
 * @throws {TypeError} If it is text or a list.
 */
export function refuseAddress(owner: string, given: unknown, address: string): void {
  if (typeof given !== "string" && !Array.isArray(given)) return;
  throw new TypeError(
    `Cannot use the address alone in ${owner}: give { ${address}, prefix: "my-app" }; the prefix keeps applications apart`,
  );
}

/**
 * Refuses `url`, as other adapters have it, where the option for the address has another name. The error does not repeat
 * the address, because it may hold a password.
 *
 * @param owner The function that takes the options.
 * @param given The user's options.
 * @param address The name of the option for the address.
 * @throws {TypeError} If there is a `url`.
 */
export function refuseUrl(owner: string, given: unknown, address: string): void {
  if (!isBag(given) || given.url === undefined) return;
  throw new TypeError(`Cannot use url of ${owner}: there is no such option, did you mean "${address}"?`);
}

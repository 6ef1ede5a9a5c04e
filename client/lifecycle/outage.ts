/**
 * Reports that there is no connection.
 *
 * @module
 */

import { HubError } from "../../contract/mod.ts";
import type { Settings } from "../options.ts";

/** A server that restarts is usually back after this time. A longer outage is worth a report. */
const TELL_AFTER_MS = 5_000;

/**
 * A time without a connection. It is reported once if it lasts, because browsers do not tell pages why they cannot
 * connect.
 */
export class Outage {
  readonly #settings: Settings;
  #since = 0;
  #told = false;

  /**
   * Starts an outage: there is no connection yet.
   *
   * @param settings The settings of the client.
   */
  constructor(settings: Settings) {
    this.#settings = settings;
    this.begin();
  }

  /** How long the outage has lasted, in milliseconds. */
  get ms(): number {
    return this.#settings.clock.now() - this.#since;
  }

  /** The connection was lost: starts a new outage. */
  begin(): void {
    this.#since = this.#settings.clock.now();
    this.#told = false;
  }

  /**
   * An attempt to connect has failed.
   *
   * @param error The reason.
   */
  failed(error: HubError): void {
    const { ms } = this;
    if (this.#told || ms < TELL_AFTER_MS) return;
    this.#told = true;
    const text = `No connection for ${Math.round(ms / 1_000)} s. ${error.message}. Is the url right? ` +
      "Only the hub's onError tells of refusals: 403 (origin), 429 or 503 (too many)";
    this.#settings.report(new HubError(error.code, text, { cause: error }), { stage: "connect" });
  }
}

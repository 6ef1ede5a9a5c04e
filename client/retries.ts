/**
 * When to retry a request that the server refused for now.
 *
 * @module
 */

import type { HubError } from "../contract/mod.ts";
import type { Settings } from "./options.ts";
import { Backoff, wishOf } from "./reconnect.ts";

/** The waits between retries on an open link. They grow like the waits between reconnects of the client. */
export class Retries {
  readonly #settings: Settings;
  readonly #ask: () => void;
  readonly #backoff: Backoff;
  /** The time of the first refusal. */
  #since: number | undefined;
  /** Ends the wait. Absent while there is none. */
  stop: (() => void) | undefined;

  /**
   * @param settings The settings of the client.
   * @param ask Sends the request again.
   */
  constructor(settings: Settings, ask: () => void) {
    this.#settings = settings;
    this.#ask = ask;
    this.#backoff = new Backoff({ ...settings.reconnect, maxAttempts: Infinity }, settings.random);
  }

  /**
   * Asks later.
   *
   * @param refusal The server's temporary error. With it, the first waits stay short, because most outages are short.
   * Without it, waits grow at once.
   */
  later(refusal?: HubError): void {
    const { clock } = this.#settings;
    const awayMs = refusal && clock.now() - (this.#since ??= clock.now());
    const cancel = clock.after(this.#backoff.next(awayMs, wishOf(refusal))!, () => {
      this.stop = undefined;
      this.#ask();
    });
    this.stop = () => {
      this.stop = undefined;
      cancel();
    };
  }

  /** The request worked: resets the waits. */
  reset(): void {
    this.#since = undefined;
    this.#backoff.reset();
  }
}

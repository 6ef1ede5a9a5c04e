/**
 * When to ask again what the server has refused for now.
 *
 * @module
 */

import type { HubError } from "../contract/mod.ts";
import type { Settings } from "./options.ts";
import { Backoff, wishOf } from "./reconnect.ts";

/** The waits of one that asks again and again over a link that is there: as short, and as long, as those of the client for its link. */
export class Retries {
  readonly #settings: Settings;
  readonly #ask: () => void;
  readonly #backoff: Backoff;
  /** Since when it was refused, by the clock. */
  #since: number | undefined;
  /** Ends its wait; absent while it does not wait. */
  stop: (() => void) | undefined;

  /**
   * @param settings The client's.
   * @param ask Asks once more.
   */
  constructor(settings: Settings, ask: () => void) {
    this.#settings = settings;
    this.#ask = ask;
    this.#backoff = new Backoff({ ...settings.reconnect, maxAttempts: Infinity }, settings.random);
  }

  /**
   * Asks later.
   *
   * @param refusal That of the server, for now: whatever is away there is back soon, most often. Without one waits grow at once.
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

  /** It has worked. */
  reset(): void {
    this.#since = undefined;
    this.#backoff.reset();
  }
}

/**
 * Keeps one connection: makes it, and makes a new one whenever it is lost, with growing pauses.
 *
 * @module
 */

import type { Clock } from "../../../contract/clock.ts";
import type { RedisLink, RedisLinkEvents } from "./link.ts";

const FIRST_PAUSE_MS = 50;
/** Redis is back within this, and then some, of its return. */
const MAX_PAUSE_MS = 1_000;
/** Passwords do not get right by themselves, but ACLs are changed while servers run. */
const REFUSED_PAUSE_MS = 5_000;
/** A connection that lasted so long was a good one. */
const STABLE_MS = 5_000;

/** What is to be known of a connection to keep it. */
export type KeptLink = Pick<RedisLink, "ready" | "destroy">;

/** What {@linkcode RedisKeeper} needs. */
export interface RedisKeeperOptions<L extends KeptLink = RedisLink> {
  readonly driver: { connect(events: RedisLinkEvents): L };
  readonly clock: Clock;
  /** How long a connection may take to be made, and then each answer until it is of use, in milliseconds. */
  readonly timeoutMs: number;
  onMessage?: RedisLinkEvents["onMessage"];
  /** Makes a new connection of use; `within` limits each step. Rejects to have another one made. */
  prepare(link: L, within: <T>(step: Promise<T>, what: string) => Promise<T>): Promise<void>;
  /** It is of use. */
  onUp(link: L): void;
  /** It is gone. Called only after `onUp`. */
  onDown(cause: unknown): void;
  /**
   * It could not be made.
   *
   * @returns Whether another attempt soon is of no use.
   */
  onFailure(cause: unknown): boolean;
}

/** One connection, as one of many in a row. */
export class RedisKeeper<L extends KeptLink = RedisLink> {
  readonly #options: RedisKeeperOptions<L>;
  #attempt: { readonly link: L; lose(cause: unknown): void } | undefined;
  #up: L | undefined;
  #closed = false;
  #wake = () => {};
  #running: Promise<void> | undefined;

  /** @param options What it needs. */
  constructor(options: RedisKeeperOptions<L>) {
    this.#options = options;
  }

  /** The connection, while it is of use. */
  get link(): L | undefined {
    return this.#up;
  }

  /** Begins. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Gives up a connection that is found dead, though nobody said so. */
  drop(link: L, cause: Error): void {
    if (this.#attempt?.link === link) this.#attempt.lose(cause);
  }

  /** Ends for good; resolves when the socket is closed. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#attempt?.lose(new Error("The adapter is closed"));
    this.#wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, onFailure } = this.#options;
    for (let failures = 0; !this.#closed; failures++) {
      let refused = false;
      try {
        if (await this.#live() >= STABLE_MS) failures = 0;
      } catch (cause) {
        if (this.#closed) return;
        refused = onFailure(cause);
      }
      if (this.#closed) return;
      const longest = refused ? REFUSED_PAUSE_MS : Math.min(FIRST_PAUSE_MS * 2 ** failures, MAX_PAUSE_MS);
      // Half of it at random: all nodes have lost their connections at the same moment.
      await this.#pause(longest * (1 + Math.random()) / 2, clock);
    }
  }

  /** One connection from its birth to its end; rejects when it never was of use, else tells how long it was. */
  async #live(): Promise<number> {
    const { driver, clock, prepare, timeoutMs, onMessage, onUp, onDown } = this.#options;
    const lost = Promise.withResolvers<unknown>();
    const gone = lost.promise.then((cause) => {
      throw cause;
    });
    gone.catch(() => {}); // it may go when nobody waits for anything
    const link = driver.connect({
      onMessage: (channel, data) => onMessage?.(channel, data),
      onLost: lost.resolve,
    });
    link.ready.catch(() => {});
    this.#attempt = { link, lose: lost.resolve };
    try {
      const within = <T>(step: Promise<T>, what: string) =>
        limit(Promise.race([step, gone]), `${what} within ${timeoutMs} ms`, timeoutMs, clock);
      await within(link.ready, "No connection");
      await Promise.race([prepare(link, within), gone]);
      if (this.#closed) return 0;
      const since = clock.now();
      this.#up = link;
      onUp(link);
      const cause = await lost.promise;
      this.#up = undefined;
      onDown(cause);
      return clock.now() - since;
    } finally {
      this.#attempt = undefined;
      await link.destroy();
    }
  }

  async #pause(ms: number, clock: Clock): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = clock.after(ms, resolve);
    this.#wake = resolve;
    await promise;
    cancel();
  }
}

/** Rejects when it takes longer. */
async function limit<T>(promise: Promise<T>, message: string, ms: number, clock: Clock): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const cancel = clock.after(ms, () => reject(new Error(message)));
  try {
    return await Promise.race([promise, late]);
  } finally {
    cancel();
  }
}

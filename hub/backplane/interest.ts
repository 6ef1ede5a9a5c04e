/**
 * The channels that this node listens to. It counts the users of each channel: they share one subscription of the
 * backplane, and the last one to leave ends it.
 *
 * @module
 */

import type { Adapter } from "../../adapters/adapter.ts";
import { type Clock, HubError, isHubError } from "../../contract/mod.ts";

const FIRST_RETRY_MS = 1_000;
const MAX_RETRY_MS = 30_000;

/** A share in a channel's subscription. */
export interface Lease {
  /** Resolves when the subscription is live; rejects when it fails or takes too long. Never hangs. */
  readonly ready: Promise<void>;
  /** Gives the share back. Idempotent; needless after `ready` has rejected. */
  release(): void;
}

/** The shares that wait for the same subscribe, and hold it afterwards. */
class Generation {
  shares = 0;
  /** Whether a timer runs, because a caller waits. */
  limited = false;
  readonly ready: Promise<void>;
  /** Settles `ready`; absent when it is settled. */
  #settle: ((error?: Error) => void) | undefined;
  #stopTimer: (() => void) | undefined;

  constructor() {
    this.ready = new Promise((resolve, reject) => {
      this.#settle = (error) => error ? reject(error) : resolve();
    });
    this.ready.catch(() => {}); // callers that wait get the error; without callers, no unhandled rejection
  }

  /** Whether `ready` is not settled yet. */
  get pending(): boolean {
    return this.#settle !== undefined;
  }

  /** Settles `ready`, once: with an error if the subscribe has failed. */
  settle(error?: Error): void {
    this.unlimit();
    this.#settle?.(error);
    this.#settle = undefined;
  }

  /** Keeps the function that stops the timer of the callers that wait. */
  limit(stopTimer: () => void): void {
    this.limited = true;
    this.#stopTimer = stopTimer;
  }

  /** Stops the timer. */
  unlimit(): void {
    this.limited = false;
    this.#stopTimer?.();
    this.#stopTimer = undefined;
  }
}

interface Entry {
  readonly channel: string;
  generation: Generation;
  live: boolean;
  running: boolean;
  /** Aborts the adapter's subscribe. */
  giveUp?: AbortController;
}

/** The options of {@linkcode Interest}. */
export interface InterestOptions {
  /** The adapter to subscribe with. */
  readonly adapter: Pick<Adapter, "subscribe" | "unsubscribe" | "name">;
  /** The clock for timeouts. */
  readonly clock: Clock;
  /** How long a subscribe may take, in milliseconds. */
  readonly timeoutMs: number;
  /**
   * Whether a share is ready at once, because the hub now works without its backplane. The subscribe is retried until
   * the channel is live.
   */
  optional?(): boolean;
  /**
   * Whether no subscribe may be sent to the adapter before `begin`.
   *
   * @default {false}
   */
  readonly held?: boolean;
  /** Called with every failure, also with one that a caller gets too. */
  onError(error: unknown, stage: "subscribe" | "unsubscribe", channel: string): void;
}

/** The channels that this node listens to. */
export class Interest {
  readonly #options: InterestOptions;
  readonly #entries = new Map<string, Entry>();
  /** The retries that wait, each with the function that cancels it. */
  readonly #retries = new Map<() => void, () => void>();
  #held: boolean;
  #closed = false;

  /** @param options Its options. */
  constructor(options: InterestOptions) {
    this.#options = options;
    this.#held = options.held ?? false;
  }

  /** How many channels are subscribed, or are subscribing or unsubscribing. */
  get size(): number {
    return this.#entries.size;
  }

  /** Whether a channel is subscribed, or is subscribing or unsubscribing. */
  has(channel: string): boolean {
    return this.#entries.has(channel);
  }

  /** Whether a channel is live: the messages of other nodes arrive. */
  isLive(channel: string): boolean {
    return this.#entries.get(channel)?.live === true;
  }

  get #optional(): boolean {
    return this.#options.optional?.() === true;
  }

  /**
   * Takes a share in a channel's subscription; the first one subscribes.
   *
   * @param channel The channel.
   */
  acquire(channel: string): Lease {
    if (!this.isLive(channel) && this.#optional) {
      return { ready: Promise.resolve(), release: this.keep(channel).release };
    }
    return this.#share(channel);
  }

  /** Takes a share. A patient share has no timeout, because no caller waits for it. */
  #share(channel: string, patient = false): Lease {
    if (this.#closed) {
      const refused = new Generation();
      refused.settle(new HubError("UNAVAILABLE", `Cannot subscribe to "${channel}": the hub is closed`));
      return { ready: refused.ready, release() {} };
    }
    let entry = this.#entries.get(channel);
    if (!entry) {
      entry = { channel, generation: new Generation(), live: false, running: false };
      this.#entries.set(channel, entry);
    }
    const { generation } = entry;
    generation.shares++;
    if (!patient && generation.pending && !generation.limited) this.#limit(entry, generation);
    let released = false;
    const release = () => {
      if (released) return;
      released = true;
      if (--generation.shares === 0) generation.unlimit();
      this.#settle(entry);
    };
    this.#settle(entry);
    return { ready: generation.ready, release };
  }

  /**
   * Takes a share and retries after each failure: first after 1 s, then with a growing delay of at most 30 s.
   *
   * @param channel The channel.
   * @param onLive Called once, when the channel is live.
   * @returns `settled` resolves after the first try, also when it failed; at once when the hub now works without its
   * backplane.
   */
  keep(channel: string, onLive = () => {}): { readonly settled: Promise<void>; release(): void } {
    let released = false;
    let lease: Lease;
    let stopWaiting = () => {};
    const attempt = (delayMs: number): Promise<void> => {
      lease = this.#share(channel, this.#optional);
      return lease.ready.then(() => {
        if (!released) onLive();
      }, () => {
        if (released || this.#closed) return;
        const retry = () => {
          stopWaiting();
          void attempt(Math.min(delayMs * 2, MAX_RETRY_MS));
        };
        const cancel = this.#options.clock.after(delayMs, retry, { background: true });
        this.#retries.set(retry, cancel);
        stopWaiting = () => {
          cancel();
          this.#retries.delete(retry);
        };
      });
    };
    const tried = attempt(FIRST_RETRY_MS);
    return {
      settled: this.#optional ? Promise.resolve() : tried,
      release: () => {
        released = true;
        stopWaiting();
        lease.release();
      },
    };
  }

  /** Sends subscribes to the adapter from now on. */
  begin(): void {
    this.#held = false;
    for (const entry of this.#entries.values()) this.#settle(entry);
  }

  /** Runs the waiting retries now. */
  retry(): void {
    for (const retry of [...this.#retries.keys()]) retry();
  }

  /** Ends all shares: waiting callers get an error, later subscribes are refused. Does not close the adapter. */
  close(): void {
    this.#closed = true;
    for (const { channel, generation } of this.#entries.values()) {
      generation.settle(new HubError("UNAVAILABLE", `Cannot subscribe to "${channel}": the hub is closed`));
    }
    this.#entries.clear();
    for (const cancel of this.#retries.values()) cancel();
    this.#retries.clear();
  }

  /** Subscribes or unsubscribes a channel, as its shares need. One run at a time per channel. */
  #settle(entry: Entry): void {
    if (entry.running && entry.generation.shares === 0) entry.giveUp?.abort();
    if (entry.running || this.#closed) return;
    if (this.#held) {
      if (entry.generation.shares === 0) this.#forget(entry);
      return;
    }
    entry.running = true;
    void this.#run(entry);
  }

  async #run(entry: Entry): Promise<void> {
    for (;;) {
      const wanted = entry.generation.shares > 0;
      if (wanted && !entry.live) await this.#subscribe(entry);
      else if (!wanted && entry.live) await this.#unsubscribe(entry);
      else break;
      if (this.#closed) return;
    }
    entry.running = false;
    if (!entry.live) this.#forget(entry);
  }

  #forget(entry: Entry): void {
    if (this.#entries.get(entry.channel) === entry) this.#entries.delete(entry.channel);
  }

  async #subscribe(entry: Entry): Promise<void> {
    const { generation } = entry;
    const giveUp = new AbortController();
    entry.giveUp = giveUp;
    try {
      await this.#options.adapter.subscribe(entry.channel, giveUp);
      entry.live = true; // before a caller continues
      entry.generation.settle();
    } catch (error) {
      if (this.#closed || giveUp.signal.aborted) return; // the callers that waited have got an error
      // After a timeout this failure is already reported, unless new callers wait by now.
      if (entry.generation === generation || entry.generation.shares > 0) this.#fail(entry, error);
    } finally {
      entry.giveUp = undefined;
    }
  }

  async #unsubscribe(entry: Entry): Promise<void> {
    entry.live = false;
    entry.generation = new Generation(); // later callers wait for a new subscribe
    try {
      await this.#options.adapter.unsubscribe(entry.channel);
    } catch (error) {
      this.#options.onError(error, "unsubscribe", entry.channel);
    }
  }

  /** Starts the timeout of all waiting and later callers. It does not depend on the adapter. */
  #limit(entry: Entry, generation: Generation): void {
    const { adapter, clock, timeoutMs } = this.#options;
    generation.limit(clock.after(timeoutMs, () => {
      const what = `Cannot subscribe to "${entry.channel}" over ${adapter.name} within ${timeoutMs} ms`;
      this.#fail(entry, new HubError("TIMEOUT", what));
    }));
  }

  /** Fails the callers that wait, and drops their shares. The next caller starts a new subscribe. */
  #fail(entry: Entry, error: unknown): void {
    const { adapter, onError } = this.#options;
    const { generation, channel } = entry;
    entry.generation = new Generation();
    this.#settle(entry); // before `begin`, nothing else would remove the entry
    onError(error, "subscribe", channel);
    generation.settle(
      isHubError(error)
        ? error
        : new HubError("UNAVAILABLE", `Cannot subscribe to "${channel}" over ${adapter.name}`, {
          cause: error,
        }),
    );
  }
}

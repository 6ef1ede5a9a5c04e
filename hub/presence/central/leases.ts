/**
 * The lease of this node, which it renews while it lives, and those of others, which somebody has to notice that ran out:
 * then what the node had is purged, by whoever comes first.
 *
 * @module
 */

import type { PresenceRemoval, PresenceStore } from "../../../adapters/presence_store.ts";
import type { Clock } from "../../../contract/mod.ts";

/** A lease is renewed so often in its time: one renewal may fail. */
const RENEWALS = 3;
const FIRST_RETRY_MS = 100;
/** How much later than a lease has run out it is purged, so that the clocks of two machines need not agree to the millisecond. */
const MARGIN_MS = 20;
/** A node whose lease lasts, though the others say that it is gone, is not purged, but noticed when the lease runs out. */
const MAX_ATTEMPTS = 3;

/** What {@linkcode Leases} needs. */
export interface LeasesOptions {
  readonly store: PresenceStore;
  readonly clock: Clock;
  readonly nodeId: string;
  /** How long a lease lasts, in milliseconds. */
  readonly ttlMs: number;
  /** How long what a node had stays when it is gone, in milliseconds. */
  readonly leaveAfterMs: number;
  /** Limits how long the store may take. */
  within<T>(what: string, call: () => Promise<T>): Promise<T>;
  /** How many connections this node has in its places. */
  counts(): ReadonlyMap<string, number>;
  /** The lease is there: the store can be written to. */
  onHeld(): void;
  /** The store may have lost what is in these places; in all when absent. */
  onLost(places?: readonly string[]): void;
  /** What else is to be looked after as often; may reject. */
  check(): Promise<void>;
  onRemoved(removal: PresenceRemoval): void;
  onFailed(error: unknown): void;
  /** The lease cannot be renewed now. */
  onAway(): void;
  /** The store works. */
  onFine(): void;
}

interface Gone {
  dueAt: number;
  attempts: number;
}

/** See the module. */
export class Leases {
  readonly #options: LeasesOptions;
  readonly #everyMs: number;
  /** The nodes that are to be purged. */
  readonly #gone = new Map<string, Gone>();
  #held = false;
  /** Since when the store works, by the clock; `undefined` while it does not. */
  #worksSince: number | undefined;
  #retryMs = FIRST_RETRY_MS;
  #stopRenewing = () => {};
  #stopPurging = () => {};
  #purging = false;
  #begun = false;
  #renewing = false;
  /** Whether to renew once more at once. */
  #again = false;
  #closed = false;

  /** @param options What it needs. */
  constructor(options: LeasesOptions) {
    this.#options = options;
    this.#everyMs = options.ttlMs / RENEWALS;
  }

  /** Gets a lease, and goes on to renew it. */
  start(): void {
    this.#begun = true;
    void this.#renew();
  }

  /** The store may have been away: looks at once. */
  hurry(): void {
    if (this.#closed || !this.#begun) return;
    this.#again = this.#renewing;
    if (this.#renewing) return;
    this.#stopRenewing();
    void this.#renew();
  }

  /** A node is gone, as the others say. */
  gone(node: string): void {
    if (this.#closed || this.#gone.has(node)) return;
    this.#gone.set(node, { dueAt: this.#options.clock.now() + this.#options.leaveAfterMs, attempts: 0 });
    this.#purgeLater();
  }

  /** Whether a node is gone, and has yet to be purged. */
  isGone(node: string): boolean {
    return this.#gone.has(node);
  }

  /** Ends the lease, and with it what this node has, at once unless that is to stay for a while. Never rejects. */
  async close(): Promise<void> {
    const { store, nodeId, leaveAfterMs, within, onRemoved, onFailed } = this.#options;
    this.#closed = true;
    this.#stopRenewing();
    this.#stopPurging();
    if (!this.#held) return;
    const end = leaveAfterMs > 0
      ? () => store.touch(nodeId, { ttlMs: 0, places: new Map() })
      : () => store.purge(nodeId, { anyway: true, onRemoved });
    await within<unknown>("Cannot say goodbye", end).catch(onFailed);
  }

  async #renew(): Promise<void> {
    const { clock, onFine, onAway, onFailed } = this.#options;
    let nextMs = this.#everyMs;
    this.#renewing = true;
    const since = clock.now();
    try {
      await this.#touch();
      if (clock.now() - since > this.#slowMs) this.#worksSince = undefined;
      this.#worksSince ??= clock.now();
      this.#retryMs = FIRST_RETRY_MS;
      onFine();
    } catch (error) {
      if (this.#closed) return;
      this.#again = false;
      this.#worksSince = undefined;
      nextMs = Math.min(this.#retryMs, nextMs);
      this.#retryMs *= 2;
      onAway();
      onFailed(error);
    }
    this.#renewing = false;
    if (this.#closed) return;
    if (this.#again) nextMs = 0;
    this.#again = false;
    this.#stopRenewing = clock.after(nextMs, () => void this.#renew(), { background: true });
    this.#purgeLater();
  }

  async #touch(): Promise<void> {
    const { store, nodeId, ttlMs, within, counts, onHeld, onLost, check } = this.#options;
    const touched = await within("Cannot renew the lease of this node", () => {
      return store.touch(nodeId, { ttlMs, places: counts() });
    });
    if (this.#closed) return;
    if (!touched.kept && this.#held) onLost();
    else if (touched.lost.length > 0) onLost(touched.lost);
    this.#held = true;
    onHeld();
    await check();
    const expired = await within("Cannot look for nodes that are gone", () => store.expired());
    for (const node of expired) if (node !== nodeId) this.gone(node);
  }

  /** When the next is due; not while others may not have renewed their leases because the store was away. */
  #purgeLater(): void {
    if (this.#closed || this.#purging || this.#gone.size === 0 || this.#worksSince === undefined) return;
    const { clock } = this.#options;
    const earliest = this.#held ? this.#trustedAt : Infinity;
    const dueAt = Math.max(earliest, Math.min(...[...this.#gone.values()].map(({ dueAt }) => dueAt)));
    this.#stopPurging();
    const delayMs = Math.max(0, dueAt - clock.now());
    this.#stopPurging = clock.after(delayMs, () => void this.#purge(), { background: true });
  }

  /** An answer that takes longer says that the store stood still, and with it all leases. */
  get #slowMs(): number {
    return this.#everyMs / 2;
  }

  get #trustedAt(): number {
    return this.#worksSince! + 2 * this.#everyMs;
  }

  async #purge(): Promise<void> {
    const { clock } = this.#options;
    this.#purging = true;
    if (await this.#answersFast()) {
      for (const [node, gone] of this.#gone) {
        if (this.#closed || this.#worksSince === undefined) break;
        if (gone.dueAt <= clock.now()) await this.#purgeOne(node, gone);
      }
    }
    this.#purging = false;
    this.#purgeLater();
  }

  /** A store that stands still would do the purge first thing when it goes on, before anybody has renewed a lease. */
  async #answersFast(): Promise<boolean> {
    const { store, clock, within } = this.#options;
    const since = clock.now();
    const isFast = await within("Cannot look for nodes that are gone", () => store.expired())
      .then(() => clock.now() - since <= this.#slowMs, () => false);
    if (!isFast && this.#worksSince !== undefined) this.#worksSince = clock.now();
    return isFast;
  }

  async #purgeOne(node: string, gone: Gone): Promise<void> {
    const { store, clock, within, onRemoved, onFailed } = this.#options;
    try {
      const left = await within("Cannot purge a node that is gone", () => store.purge(node, { onRemoved }));
      if (left === 0 || ++gone.attempts === MAX_ATTEMPTS) this.#gone.delete(node);
      else gone.dueAt = clock.now() + left + MARGIN_MS;
    } catch (error) {
      gone.dueAt = clock.now() + this.#everyMs;
      onFailed(error);
    }
  }
}

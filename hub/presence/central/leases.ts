/**
 * The leases of nodes. This node renews its own lease while it runs. It also looks for expired leases of other nodes.
 * The first node that finds an expired lease purges the entries of that node.
 *
 * @module
 */

import type { PresenceRemoval, PresenceStore } from "../../../adapters/presence_store.ts";
import type { Clock } from "../../../contract/mod.ts";

/** How often a lease is renewed in its time, so that one renewal may fail. */
const RENEWALS = 3;
const FIRST_RETRY_MS = 100;
/**
 * How long after the end of its lease a node is purged, in milliseconds, so that small clock differences do not
 * matter.
 */
const MARGIN_MS = 20;
/**
 * How often to try to purge a node while its lease still lasts. After that, it is found again when its lease has run
 * out.
 */
const MAX_ATTEMPTS = 3;

/** The options of {@linkcode Leases}. */
export interface LeasesOptions {
  readonly store: PresenceStore;
  readonly clock: Clock;
  readonly nodeId: string;
  /** How long a lease lasts, in milliseconds. */
  readonly ttlMs: number;
  /** How long the entries of a node stay after it has left, in milliseconds. */
  readonly leaveAfterMs: number;
  /** Limits how long the store may take. */
  within<T>(what: string, call: () => Promise<T>): Promise<T>;
  /** The number of this node's connections in each of its places. */
  counts(): ReadonlyMap<string, number>;
  /** Called when this node has its lease and can write to the store. */
  onHeld(): void;
  /** Called when the store may have lost entries in these places; left out, in all places. */
  onLost(places?: readonly string[]): void;
  /** A further check, at each renewal; may reject. */
  check(): Promise<void>;
  onRemoved(removal: PresenceRemoval): void;
  onFailed(error: unknown): void;
  /** Called when the lease cannot be renewed now. */
  onAway(): void;
  /** Called when the store works. */
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
  /** The nodes to purge. */
  readonly #gone = new Map<string, Gone>();
  #held = false;
  /** The time since which the store works, by the clock; `undefined` while it does not. */
  #worksSince: number | undefined;
  #retryMs = FIRST_RETRY_MS;
  #stopRenewing = () => {};
  #stopPurging = () => {};
  #purging = false;
  #begun = false;
  #renewing = false;
  /** Whether to renew again at once. */
  #again = false;
  #closed = false;

  /** @param options Its options. */
  constructor(options: LeasesOptions) {
    this.#options = options;
    this.#everyMs = options.ttlMs / RENEWALS;
  }

  /** Gets a lease, and keeps renewing it. */
  start(): void {
    this.#begun = true;
    void this.#renew();
  }

  /** Renews the lease now, because the store may have been down. */
  hurry(): void {
    if (this.#closed || !this.#begun) return;
    this.#again = this.#renewing;
    if (this.#renewing) return;
    this.#stopRenewing();
    void this.#renew();
  }

  /** A node has left, or its lease has run out. */
  gone(node: string): void {
    if (this.#closed || this.#gone.has(node)) return;
    this.#gone.set(node, { dueAt: this.#options.clock.now() + this.#options.leaveAfterMs, attempts: 0 });
    this.#purgeLater();
  }

  /** Whether a node has left and is not purged yet. */
  isGone(node: string): boolean {
    return this.#gone.has(node);
  }

  /** Ends the lease. Removes the entries of this node at once, unless `leaveAfterMs` keeps them. Never rejects. */
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

  /**
   * Sets the timer for the next purge. After an outage of the store, other nodes first get time to renew their
   * leases.
   */
  #purgeLater(): void {
    if (this.#closed || this.#purging || this.#gone.size === 0 || this.#worksSince === undefined) return;
    const { clock } = this.#options;
    const earliest = this.#held ? this.#trustedAt : Infinity;
    const dueAt = Math.max(earliest, Math.min(...[...this.#gone.values()].map(({ dueAt }) => dueAt)));
    this.#stopPurging();
    const delayMs = Math.max(0, dueAt - clock.now());
    this.#stopPurging = clock.after(delayMs, () => void this.#purge(), { background: true });
  }

  /** An answer that takes longer than this shows that the store was blocked, so no node could renew its lease. */
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

  /**
   * Checks first that the store answers fast. A blocked store would purge as soon as it works, before nodes can
   * renew.
   */
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

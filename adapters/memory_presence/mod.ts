/**
 * Central presence in the memory of one process, for hubs that share it, and for tests. It is also the shortest example
 * of a presence store.
 *
 * @example Two hubs of one process with one store
 * ```ts
 * import { createMemoryAdapter, createMemoryBus } from "@trunkline/hub/adapters/memory";
 * import { createMemoryPresence } from "@trunkline/hub/adapters/memory-presence";
 *
 * const bus = createMemoryBus();
 * const store = createMemoryPresence();
 * const options = () => ({ adapter: createMemoryAdapter({ bus }), presence: { kind: "central", store } });
 * // createHub(contract, { authenticate, ...options() }), once for each hub
 * ```
 *
 * @module
 */

import { type Clock, type Position, type PresenceBy, systemClock } from "../../contract/mod.ts";
import { clock } from "../../contract/options/option_kinds.ts";
import { or, readOptions, type Rows } from "../../contract/options/read_options.ts";
import type {
  LeaseTouched,
  PlaceWrite,
  PlaceWritten,
  PresenceLease,
  PresenceStore,
  PurgeOptions,
  StoredEntryPage,
  StoredEntryQuery,
} from "../presence_store.ts";
import { MemoryPlace } from "./place.ts";

/** Options of {@linkcode createMemoryPresence}. */
export interface MemoryPresenceOptions {
  /**
   * The source of time.
   *
   * @default {systemClock}
   */
  readonly clock?: Clock;
}

/** A {@linkcode PresenceStore} in memory. */
export interface MemoryPresence extends PresenceStore {
  /** How many places the store knows: places with members, and places that became empty not long ago. */
  readonly places: number;
  /** Forgets all data, like a server that restarts without its data. */
  clear(): void;
}

/**
 * Creates a store in the memory of this process.
 *
 * @param options The source of time.
 */
export function createMemoryPresence(options?: MemoryPresenceOptions): MemoryPresence {
  return new MemoryStore(readOptions("createMemoryPresence", options, OPTIONS).clock);
}

const OPTIONS = { clock: or(clock, systemClock) } satisfies Rows<MemoryPresenceOptions>;

/** How long the version of an empty place is remembered. */
const EMPTY_MS = 600_000;
/** How many empty places are remembered at most. Clients can make up names. */
const MAX_EMPTY = 10_000;

const NOTHING: Position = ["", 0];

interface Lease {
  until: number;
  readonly places: Set<string>;
}

class MemoryStore implements MemoryPresence {
  readonly name = "memory";
  readonly #clock: Clock;
  readonly #places = new Map<string, MemoryPlace>();
  /** When each empty place became empty. The one that became empty first is first. */
  readonly #empty = new Map<string, number>();
  readonly #leases = new Map<string, Lease>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get places(): number {
    return this.#places.size;
  }

  clear(): void {
    this.#places.clear();
    this.#empty.clear();
    this.#leases.clear();
  }

  // The methods are asynchronous, so that every error becomes a rejection.

  // deno-lint-ignore require-await
  async touch(node: string, { ttlMs, places }: PresenceLease): Promise<LeaseTouched> {
    this.#forget();
    const now = this.#clock.now();
    const known = this.#leases.get(node);
    const kept = known !== undefined && known.until > now;
    const lease = known ?? { until: 0, places: new Set<string>() };
    lease.until = now + ttlMs;
    this.#leases.set(node, lease);
    const lost = [...places].filter(([place, count]) =>
      (this.#places.get(place)?.countOf(node) ?? 0) !== count
    );
    return { kept, lost: lost.map(([place]) => place) };
  }

  // deno-lint-ignore require-await
  async write(node: string, name: string, write: PlaceWrite): Promise<PlaceWritten> {
    const lease = this.#leases.get(node);
    if (!lease) throw new Error(`Cannot write for node ${node}: it has no lease`);
    const place = this.#places.get(name) ?? new MemoryPlace();
    this.#places.set(name, place);
    const written = place.write(node, write);
    if (place.countOf(node) > 0) lease.places.add(name);
    else lease.places.delete(name);
    this.#settle(name, place);
    return written;
  }

  // deno-lint-ignore require-await
  async read(place: string, query: StoredEntryQuery): Promise<StoredEntryPage> {
    query.signal?.throwIfAborted();
    return this.#places.get(place)?.read(query) ?? { version: NOTHING, entries: [], count: 0 };
  }

  // deno-lint-ignore require-await
  async count(place: string, by: PresenceBy): Promise<number> {
    return this.#places.get(place)?.count(by) ?? 0;
  }

  // deno-lint-ignore require-await
  async versions(places: readonly string[]): Promise<readonly Position[]> {
    return places.map((place) => this.#places.get(place)?.version ?? NOTHING);
  }

  // deno-lint-ignore require-await
  async expired(): Promise<readonly string[]> {
    const now = this.#clock.now();
    return [...this.#leases].filter(([, { until }]) => until <= now).map(([node]) => node);
  }

  // deno-lint-ignore require-await
  async purge(node: string, { anyway = false, onRemoved }: PurgeOptions): Promise<number> {
    const lease = this.#leases.get(node);
    if (!lease) return 0;
    const left = lease.until - this.#clock.now();
    if (left > 0 && !anyway) return left;
    this.#leases.delete(node);
    for (const name of lease.places) {
      const place = this.#places.get(name);
      if (!place) continue; // other nodes have its connections, or had them
      const ids = place.purge(node);
      this.#settle(name, place);
      if (ids.length > 0) onRemoved({ place: name, version: place.version, ids });
    }
    return 0;
  }

  #settle(name: string, place: MemoryPlace): void {
    if (!place.empty) this.#empty.delete(name);
    else if (!this.#empty.has(name)) this.#empty.set(name, this.#clock.now());
    if (this.#empty.size > MAX_EMPTY) this.#forgetFirst();
  }

  #forgetFirst(): void {
    const [name] = this.#empty.keys();
    this.#empty.delete(name!);
    this.#places.delete(name!);
  }

  #forget(): void {
    const oldest = this.#clock.now() - EMPTY_MS;
    for (const [name, since] of this.#empty) {
      if (since > oldest) return;
      this.#empty.delete(name);
      this.#places.delete(name);
    }
  }
}

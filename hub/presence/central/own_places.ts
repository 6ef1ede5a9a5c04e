/**
 * Writes the connections of this node to the store. Each place has one write at a time, with all changes since the
 * write before. If the store may have lost something, the whole place is written again.
 *
 * @module
 */

import type { PlaceWrite, PlaceWritten } from "../../../adapters/presence_store.ts";
import type { Clock } from "../../../contract/mod.ts";
import type { PresenceEntry } from "../place.ts";
import { toStored } from "./entries.ts";

/** How many changes one write may hold, because a server runs one write at a time. */
const MAX_CHANGES = 1_000;
const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 5_000;

/** The options of {@linkcode OwnPlaces}. */
export interface OwnPlacesOptions {
  readonly clock: Clock;
  /** Writes to the store; gives up in bounded time. */
  write(place: string, write: PlaceWrite): Promise<PlaceWritten>;
  /** Called when a write is done, before callers of `settled` continue. */
  onWritten(place: string, write: PlaceWrite, written: PlaceWritten): void;
  /** Called when a write has failed. The write is retried later. */
  onFailed(error: unknown, place: string): void;
}

interface OwnPlace {
  readonly entries: Map<string, PresenceEntry>;
  /** The ids to write; empty when the whole place must be written. */
  readonly changed: Set<string>;
  /** Whether the store may differ from the entries, so that the whole place must be written. */
  doubtful: boolean;
  /** The write in progress; never rejects. */
  writing: Promise<void> | undefined;
  /** The error of the last write, if it failed. */
  failure: unknown;
}

/** See the module. */
export class OwnPlaces {
  readonly #options: OwnPlacesOptions;
  readonly #places = new Map<string, OwnPlace>();
  /** The places to write when the turn ends. */
  readonly #due = new Set<string>();
  #open = false;
  #closed = false;
  #retryMs = FIRST_RETRY_MS;
  #stopRetry: (() => void) | undefined;

  /** @param options Its options. */
  constructor(options: OwnPlacesOptions) {
    this.#options = options;
  }

  /** The number of connections in each place, for places without a pending write. */
  get counts(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const [name, place] of this.#places) if (isIdle(place)) counts.set(name, place.entries.size);
    return counts;
  }

  /** The number of places and of connections in them. Skips the places in `without`. */
  size(without: ReadonlySet<string>): { places: number; members: number } {
    const size = { places: 0, members: 0 };
    for (const [name, { entries }] of this.#places) {
      if (without.has(name)) continue;
      size.places++;
      size.members += entries.size;
    }
    return size;
  }

  /** The connections in a place. */
  entries(name: string): Iterable<PresenceEntry> {
    return this.#places.get(name)?.entries.values() ?? [];
  }

  /** A connection has come into a place, or has a new state there. */
  put(name: string, entry: PresenceEntry): void {
    const place = this.#place(name);
    place.entries.set(entry.id, entry);
    this.#changed(name, place, entry.id);
  }

  /** A connection has left a place. */
  drop(name: string, id: string): void {
    const place = this.#places.get(name);
    if (place?.entries.delete(id)) this.#changed(name, place, id);
  }

  /** Starts to write to the store. */
  open(): void {
    if (this.#open) return;
    this.#open = true;
    for (const [name, place] of this.#places) if (!isIdle(place)) this.#soon(name);
  }

  /**
   * Writes whole places again, because the store may have lost entries, or may have old entries.
   *
   * @param names The places; left out, all places of this node.
   */
  doubt(names: Iterable<string> = this.#places.keys()): void {
    for (const name of names) {
      const place = this.#place(name);
      place.doubtful = true;
      place.changed.clear();
      this.#soon(name);
    }
  }

  /**
   * Compares a place with the store, and writes it again if they differ.
   *
   * @param name The place.
   * @param ids The ids of this node's connections in the store.
   */
  compare(name: string, ids: ReadonlySet<string>): void {
    const place = this.#places.get(name);
    if (place && !isIdle(place)) return; // a write is pending
    const entries = place?.entries;
    if ((entries?.size ?? 0) === ids.size && (!entries || [...ids].every((id) => entries.has(id)))) return;
    this.doubt([name]);
  }

  /** Waits until all changes of a place are in the store; rejects when a write fails. */
  async settled(name: string): Promise<void> {
    for (;;) {
      const place = this.#places.get(name);
      if (!place || isIdle(place) || !this.#open || this.#closed) return;
      if (!place.writing) this.#write(name, place);
      await place.writing;
      if (place.failure !== undefined) throw place.failure;
    }
  }

  /** Starts no further write; resolves when the writes in progress are done. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#stopRetry?.();
    this.#due.clear();
    await Promise.all([...this.#places.values()].map(({ writing }) => writing));
    this.#places.clear();
  }

  #place(name: string): OwnPlace {
    let place = this.#places.get(name);
    if (!place) {
      place = {
        entries: new Map(),
        changed: new Set(),
        doubtful: false,
        writing: undefined,
        failure: undefined,
      };
      this.#places.set(name, place);
    }
    return place;
  }

  #changed(name: string, place: OwnPlace, id: string): void {
    if (!place.doubtful) place.changed.add(id);
    // A place that failed waits for its retry, even when connections come and leave.
    if (place.failure === undefined) this.#soon(name);
  }

  #soon(name: string): void {
    if (!this.#open || this.#closed) return;
    if (this.#due.size === 0) this.#options.clock.endOfTurn(() => this.#flush());
    this.#due.add(name);
  }

  #flush(): void {
    for (const name of this.#due) {
      const place = this.#places.get(name);
      if (place && !place.writing && !isIdle(place)) this.#write(name, place);
    }
    this.#due.clear();
  }

  #write(name: string, place: OwnPlace): void {
    const write = nextWrite(place);
    place.writing = this.#options.write(name, write).then((written) => {
      this.#options.onWritten(name, write, written); // throws if the store has answered nonsense
      place.failure = undefined;
      this.#retryMs = FIRST_RETRY_MS;
    }).catch((error) => {
      // The store may have done the write, so its state is not known.
      place.doubtful = true;
      place.changed.clear();
      place.failure = error;
      if (!this.#closed) this.#options.onFailed(error, name);
    }).then(() => {
      place.writing = undefined;
      if (place.failure !== undefined) this.#retryLater();
      else if (!isIdle(place)) this.#soon(name);
      else if (place.entries.size === 0) this.#places.delete(name);
    });
  }

  #retryLater(): void {
    if (this.#stopRetry || this.#closed) return;
    this.#stopRetry = this.#options.clock.after(this.#retryMs, () => {
      this.#stopRetry = undefined;
      for (const [name, { failure }] of this.#places) if (failure !== undefined) this.#soon(name);
    }, { background: true });
    this.#retryMs = Math.min(2 * this.#retryMs, MAX_RETRY_MS);
  }
}

/** Whether all changes are written, and no write is in progress. */
function isIdle({ changed, doubtful, writing }: OwnPlace): boolean {
  return changed.size === 0 && !doubtful && !writing;
}

function nextWrite(place: OwnPlace): PlaceWrite {
  const { entries, changed } = place;
  if (place.doubtful) {
    place.doubtful = false;
    return { put: [...entries.values()].map(toStored), drop: [], all: true };
  }
  const ids: string[] = [];
  for (const id of changed) {
    ids.push(id);
    changed.delete(id);
    if (ids.length === MAX_CHANGES) break;
  }
  return {
    put: ids.flatMap((id) => {
      const entry = entries.get(id);
      return entry ? [toStored(entry)] : [];
    }),
    drop: ids.filter((id) => !entries.has(id)),
  };
}

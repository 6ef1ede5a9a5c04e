/**
 * The connections of this node in their places, on their way to the store: one write for each place at a time, and in it
 * whatever has changed since the one before. What may be lost is written again, all of it.
 *
 * @module
 */

import type { PlaceWrite, PlaceWritten } from "../../../adapters/presence_store.ts";
import type { Clock } from "../../../contract/mod.ts";
import type { PresenceEntry } from "../place.ts";
import { toStored } from "./entries.ts";

/** How many changes one write holds: a server does one at a time. */
const MAX_CHANGES = 1_000;
const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 5_000;

/** What {@linkcode OwnPlaces} needs. */
export interface OwnPlacesOptions {
  readonly clock: Clock;
  /** Writes to the store; gives up in bounded time. */
  write(place: string, write: PlaceWrite): Promise<PlaceWritten>;
  /** Hears of what has been written, before whoever waits for it. */
  onWritten(place: string, write: PlaceWrite, written: PlaceWritten): void;
  /** Hears of a write that has failed, and is done again later. */
  onFailed(error: unknown, place: string): void;
}

interface OwnPlace {
  readonly entries: Map<string, PresenceEntry>;
  /** The ids of what is to be written; none where all is. */
  readonly changed: Set<string>;
  /** Whether the store may have anything else than the entries. */
  doubtful: boolean;
  /** Settles with the write that is under way; never rejects. */
  writing: Promise<void> | undefined;
  /** Why the last write failed, if it did. */
  failure: unknown;
}

/** See the module. */
export class OwnPlaces {
  readonly #options: OwnPlacesOptions;
  readonly #places = new Map<string, OwnPlace>();
  /** Those that are written when the turn ends. */
  readonly #due = new Set<string>();
  #open = false;
  #closed = false;
  #retryMs = FIRST_RETRY_MS;
  #stopRetry: (() => void) | undefined;

  /** @param options What it needs. */
  constructor(options: OwnPlacesOptions) {
    this.#options = options;
  }

  /** How many connections there are in each place of which the store knows all. */
  get counts(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const [name, place] of this.#places) if (isIdle(place)) counts.set(name, place.entries.size);
    return counts;
  }

  /** How many places there are, and how many connections in them, without some places. */
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

  /** A connection is in a place, or has another state there. */
  put(name: string, entry: PresenceEntry): void {
    const place = this.#place(name);
    place.entries.set(entry.id, entry);
    this.#changed(name, place, entry.id);
  }

  /** A connection is not in a place any more. */
  drop(name: string, id: string): void {
    const place = this.#places.get(name);
    if (place?.entries.delete(id)) this.#changed(name, place, id);
  }

  /** The store can be written to from now on. */
  open(): void {
    if (this.#open) return;
    this.#open = true;
    for (const [name, place] of this.#places) if (!isIdle(place)) this.#soon(name);
  }

  /**
   * The store may have lost something, or have something that is not so any more.
   *
   * @param names The places; all of this node when absent.
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
   * Compares what the store has of this node.
   *
   * @param name The place.
   * @param ids The ids that it has.
   */
  compare(name: string, ids: ReadonlySet<string>): void {
    const place = this.#places.get(name);
    if (place && !isIdle(place)) return; // it is on its way
    const entries = place?.entries;
    if ((entries?.size ?? 0) === ids.size && (!entries || [...ids].every((id) => entries.has(id)))) return;
    this.doubt([name]);
  }

  /** Waits until the store has what there was to write to a place; rejects when that fails. */
  async settled(name: string): Promise<void> {
    for (;;) {
      const place = this.#places.get(name);
      if (!place || isIdle(place) || !this.#open || this.#closed) return;
      if (!place.writing) this.#write(name, place);
      await place.writing;
      if (place.failure !== undefined) throw place.failure;
    }
  }

  /** Nothing is written any more but what is under way; resolves when that is done. */
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
    // A place that fails is tried again later, however often somebody comes and goes.
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
      place.failure = undefined;
      this.#retryMs = FIRST_RETRY_MS;
      this.#options.onWritten(name, write, written);
    }, (error) => {
      // It may have been done all the same.
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

/** Whether there is nothing to write, and nothing under way. */
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

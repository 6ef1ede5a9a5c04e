/**
 * A copy of a place that this node follows. It is read from the store at one version. Then the messages of other nodes
 * update it, version by version. If a version is missing, the place is read again; listeners get only the differences.
 *
 * @module
 */

import type { StoredEntry } from "../../../adapters/presence_store.ts";
import { type Clock, HubError, type Position } from "../../../contract/mod.ts";
import { Place, type PresenceEntry } from "../place.ts";
import { isSame } from "./entries.ts";
import type { PlaceReader, ReadPlace } from "./place_reader.ts";

/** How long to wait for a missing version, in milliseconds. */
const GAP_MS = 1_000;
const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 5_000;
/** How many changes may wait for earlier ones. With more, the place is read again. */
const MAX_WAITING = 1_024;

/** The changes of one version. */
export interface MirrorChange {
  readonly put: readonly StoredEntry[];
  readonly drop: readonly string[];
}

/** The options of {@linkcode Mirror}. */
export interface MirrorOptions {
  /** The channel of the room or topic. */
  readonly name: string;
  readonly clock: Clock;
  /** This node. It knows its own connections better than the store. */
  readonly nodeId: string;
  /** The connections of this node in the place. */
  readonly own: Iterable<PresenceEntry>;
  readonly reader: PlaceReader;
  /** How long nodes may take to write lost entries again, in milliseconds. Until then, missing members are kept. */
  readonly graceMs: number;
  /** Whether the backplane is up, so that changes of other nodes arrive. */
  isUp(): boolean;
  /** Reads an entry of the store. */
  parse(entry: StoredEntry): PresenceEntry;
  /** Called with the ids of this node's connections in the store. */
  onOwn(ids: ReadonlySet<string>): void;
  /** Called when a read has failed. The read is retried later. */
  onFailed(error: unknown): void;
}

/** See the module. */
export class Mirror {
  readonly place: Place;
  readonly ready: Promise<void>;
  readonly #options: MirrorOptions;
  readonly #first = Promise.withResolvers<void>();
  readonly #listeners = new Set<(whole: boolean) => void>();
  /** Changes of later versions, by number; all of one epoch. */
  readonly #waiting = new Map<number, MirrorChange | undefined>();
  #waitingEpoch = "";
  /** The version of the copy; `undefined` before the first read. */
  #version: Position | undefined;
  #whole = false;
  /** Whether the channel is live. */
  #hears = false;
  #reading = false;
  /** Whether the read in progress is outdated and must be done again. */
  #again = false;
  #retryMs = FIRST_RETRY_MS;
  #stopTimer = () => {};
  #isTimed = false;
  /** Until this time, members stay that the store has lost, by the clock. */
  #spareUntil = -Infinity;
  #stopSparing = () => {};
  /** Called when a change arrives while the place is read. */
  #heard: () => unknown = () => {};
  #closed = false;

  /** @param options Its options. */
  constructor(options: MirrorOptions) {
    this.#options = options;
    this.place = new Place(options.name);
    for (const entry of options.own) this.place.put(entry);
    this.ready = this.#first.promise;
    this.ready.catch(() => {}); // callers that wait get the error
  }

  get whole(): boolean {
    return this.#whole;
  }

  onWhole(listener: (whole: boolean) => void): () => void {
    const own = (whole: boolean) => listener(whole); // a function of its own, because a listener may be added twice
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  /** The channel is live: reads the place. */
  hear(): void {
    this.#hears = true;
    this.read();
  }

  /** Marks the copy as possibly outdated, until it is compared or read. */
  distrust(): void {
    this.#setWhole(false);
  }

  /**
   * Compares the copy with the store's version, and reads the place if versions are missing.
   *
   * @param version The version in the store.
   * @param strict Whether to read at once, without waiting for missing changes.
   */
  compare(version: Position, strict: boolean): void {
    if (!this.#version || this.#reading) return;
    const [epoch, number] = this.#version;
    const behind = epoch === version[0] ? version[1] - number : version[1] > 0 ? 1 : 0;
    if (epoch === version[0] && behind === 0) return this.#setWhole(true);
    if (strict || behind < 0 || (epoch !== version[0] && epoch !== "")) return this.read();
    this.#readUnless(version);
  }

  /** Takes the change of a version. `change` is absent when it was too large for the backplane. */
  changed([epoch, number]: Position, change: MirrorChange | undefined): void {
    if (this.#closed) return;
    if (epoch !== this.#waitingEpoch) {
      this.#waiting.clear();
      this.#waitingEpoch = epoch;
    }
    // A place that the store did not know begins with the first change.
    if (this.#version?.[0] === "" && !this.#reading) this.#version = [epoch, 0];
    if (this.#version && !this.#reading && this.#version[0] !== epoch) return this.read();
    if (this.#version?.[0] === epoch && number <= this.#version[1] && !this.#reading) return;
    this.#waiting.set(number, change);
    if (this.#waiting.size > MAX_WAITING) {
      this.#waiting.clear();
      return this.read();
    }
    if (this.#reading) this.#heard();
    else if (this.#version) this.#proceed();
  }

  /** Reads the place. If a read is in progress, reads once again after it. */
  read(): void {
    if (!this.#hears || this.#closed) return;
    this.#setWhole(false);
    this.#stopTimer();
    this.#isTimed = false;
    this.#again = true;
    if (!this.#reading) void this.#read();
  }

  /** Stops reading and listening. */
  close(): void {
    this.#closed = true;
    this.#stopTimer();
    this.#stopSparing();
    this.#waiting.clear();
    this.#setWhole(false);
    this.#listeners.clear();
    const what = `Cannot list the members of "${this.place.name}": this node no longer follows it`;
    this.#first.reject(new HubError("UNAVAILABLE", what));
  }

  async #read(): Promise<void> {
    this.#reading = true;
    while (this.#again && !this.#closed) {
      this.#again = false;
      // The changes so far are in the store, or the store has lost them.
      this.#waiting.clear();
      try {
        const read = await this.#options.reader.read(this.place.name);
        if (this.#closed || this.#again) continue;
        await this.#untilHeard(read);
        if (this.#closed || this.#again) continue;
        this.#take(read);
        this.#retryMs = FIRST_RETRY_MS;
      } catch (error) {
        if (this.#closed) return;
        this.#options.onFailed(error);
        this.#again = true;
        await this.#pause(this.#retryMs);
        this.#retryMs = Math.min(2 * this.#retryMs, MAX_RETRY_MS);
      }
    }
    this.#reading = false;
    if (this.#closed) return;
    this.#proceed();
    if (!this.#reading) this.#setWhole(true);
  }

  /**
   * Waits for the changes between the versions of the pages, which make the pages one version. They arrive after the
   * read.
   */
  async #untilHeard(read: ReadPlace): Promise<void> {
    const misses = () => {
      for (let number = read.from[1] + 1; number <= read.to[1]; number++) {
        if (this.#waitingEpoch !== read.to[0] || this.#waiting.get(number) === undefined) return true;
      }
      return false;
    };
    if (misses()) {
      this.#heard = () => misses() || this.#stopTimer();
      await this.#pause(GAP_MS);
      this.#heard = () => {};
    }
    if (misses()) this.#again = true;
  }

  /** Replaces the copy by the entries that were read. */
  #take({ entries, from, to }: ReadPlace): void {
    const { nodeId, onOwn, clock, graceMs } = this.#options;
    for (let number = from[1] + 1; number <= to[1]; number++) {
      const change = this.#waiting.get(number)!;
      for (const id of change.drop) entries.delete(id);
      for (const entry of change.put) entries.set(entry.id, entry);
    }
    const own = new Set<string>();
    const gone = [...this.place.entries()].filter(({ id, node }) => node !== nodeId && !entries.has(id));
    if (gone.length > 0 && this.#version && this.#version[0] !== to[0]) {
      this.#spareUntil = clock.now() + graceMs;
      this.#stopSparing();
      this.#stopSparing = clock.after(graceMs, () => this.read(), { background: true });
    }
    if (!this.#isSparing) { for (const { id } of gone) this.place.drop(id); }
    for (const entry of entries.values()) {
      if (entry.node === nodeId) own.add(entry.id);
      else this.#put(entry);
    }
    this.#version = to;
    if (this.#waitingEpoch === to[0]) {
      for (const number of this.#waiting.keys()) if (number <= to[1]) this.#waiting.delete(number);
    } else if (to[0] === "" && !this.#waiting.has(1)) this.#waiting.clear();
    onOwn(own);
  }

  /** Applies the waiting changes that come next. If a version is missing, waits for it for a while. */
  #proceed(): void {
    const [epoch] = this.#version!;
    if (this.#waiting.size > 0 && epoch !== "" && epoch !== this.#waitingEpoch) {
      this.#waiting.clear();
      return this.read();
    }
    for (;;) {
      const next = this.#version![1] + 1;
      if (!this.#waiting.has(next)) break;
      const change = this.#waiting.get(next);
      if (!change) return this.read();
      this.#waiting.delete(next);
      this.#version = [this.#waitingEpoch, next];
      for (const id of change.drop) {
        if (this.place.get(id)?.node !== this.#options.nodeId) this.place.drop(id);
      }
      for (const entry of change.put) if (entry.node !== this.#options.nodeId) this.#put(entry);
    }
    if (this.#waiting.size > 0) this.#readUnless([this.#waitingEpoch, Math.max(...this.#waiting.keys())]);
  }

  #put(entry: StoredEntry): void {
    const known = this.place.get(entry.id);
    if (!known || !isSame(known, entry)) this.place.put(this.#options.parse(entry));
  }

  /** Reads the place after a delay, unless the missing changes arrive before. */
  #readUnless([epoch, number]: Position): void {
    if (this.#isTimed) return;
    this.#isTimed = true;
    this.#stopTimer = this.#options.clock.after(GAP_MS, () => {
      this.#isTimed = false;
      const [present, reached] = this.#version!;
      if (present !== epoch || reached < number) this.read();
    }, { background: true });
  }

  async #pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#options.clock.after(ms, resolve, { background: true });
    this.#stopTimer = () => {
      cancel();
      resolve();
    };
    await promise;
  }

  get #isSparing(): boolean {
    return this.#options.clock.now() < this.#spareUntil;
  }

  #setWhole(wanted: boolean): void {
    const whole = wanted && this.#options.isUp() && !this.#isSparing;
    if (whole === this.#whole) return;
    this.#whole = whole;
    if (whole) this.#first.resolve();
    for (const listener of [...this.#listeners]) listener(whole);
  }
}

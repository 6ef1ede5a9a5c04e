/**
 * What this node knows of a place that somebody here follows: read from the store as of one version, and kept up to date by
 * what the nodes that change it say, version by version. Where a version is missing it is read again, and only what
 * differs is told.
 *
 * @module
 */

import type { StoredEntry } from "../../../adapters/presence_store.ts";
import { type Clock, HubError, type Position } from "../../../contract/mod.ts";
import { Place, type PresenceEntry } from "../place.ts";
import { isSame } from "./entries.ts";
import type { PlaceReader, ReadPlace } from "./place_reader.ts";

/** How long a version may come after the one behind it. */
const GAP_MS = 1_000;
const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 5_000;
/** How many changes wait for those before them: more are read. */
const MAX_WAITING = 1_024;

/** What one version has changed. */
export interface MirrorChange {
  readonly put: readonly StoredEntry[];
  readonly drop: readonly string[];
}

/** What {@linkcode Mirror} needs. */
export interface MirrorOptions {
  /** The channel of the room or topic. */
  readonly name: string;
  readonly clock: Clock;
  /** This node, which knows best who of its own is here. */
  readonly nodeId: string;
  /** Who of this node is here. */
  readonly own: Iterable<PresenceEntry>;
  readonly reader: PlaceReader;
  /** How long nodes may take to write again what the store has lost, in milliseconds: until then nobody is taken to have left. */
  readonly graceMs: number;
  /** Whether the other nodes can be reached now: otherwise what they change is not heard. */
  isUp(): boolean;
  /** Makes an entry of what a store has kept. */
  parse(entry: StoredEntry): PresenceEntry;
  /** Hears what the store has of this node. */
  onOwn(ids: ReadonlySet<string>): void;
  /** Hears of a read that has failed, and is done again later. */
  onFailed(error: unknown): void;
}

/** See the module. */
export class Mirror {
  readonly place: Place;
  readonly ready: Promise<void>;
  readonly #options: MirrorOptions;
  readonly #first = Promise.withResolvers<void>();
  readonly #listeners = new Set<(whole: boolean) => void>();
  /** What has come of later versions, by its number; all of one epoch. */
  readonly #waiting = new Map<number, MirrorChange | undefined>();
  #waitingEpoch = "";
  /** `undefined` until it is read for the first time. */
  #version: Position | undefined;
  #whole = false;
  /** Whether what is said on the channel arrives. */
  #hears = false;
  #reading = false;
  /** Whether what is being read is outdated already. */
  #again = false;
  #retryMs = FIRST_RETRY_MS;
  #stopTimer = () => {};
  #isTimed = false;
  /** Until when those stay, by the clock, whom the store knows no more since it has lost the place. */
  #spareUntil = -Infinity;
  #stopSparing = () => {};
  /** A change has come while the place is read. */
  #heard: () => unknown = () => {};
  #closed = false;

  /** @param options What it needs. */
  constructor(options: MirrorOptions) {
    this.#options = options;
    this.place = new Place(options.name);
    for (const entry of options.own) this.place.put(entry);
    this.ready = this.#first.promise;
    this.ready.catch(() => {}); // whoever waits sees it
  }

  get whole(): boolean {
    return this.#whole;
  }

  onWhole(listener: (whole: boolean) => void): () => void {
    const own = (whole: boolean) => listener(whole); // the same function may be given twice
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  /** What is said on the channel arrives from now on. */
  hear(): void {
    this.#hears = true;
    this.read();
  }

  /** Whatever is known may be outdated, until it is compared or read. */
  distrust(): void {
    this.#setWhole(false);
  }

  /**
   * Compares where the store says that the place stands.
   *
   * @param version What it says.
   * @param strict Whether there is no reason to wait for what is missing.
   */
  compare(version: Position, strict: boolean): void {
    if (!this.#version || this.#reading) return;
    const [epoch, number] = this.#version;
    const behind = epoch === version[0] ? version[1] - number : version[1] > 0 ? 1 : 0;
    if (epoch === version[0] && behind === 0) return this.#setWhole(true);
    if (strict || behind < 0 || (epoch !== version[0] && epoch !== "")) return this.read();
    this.#readUnless(version);
  }

  /** A node has made a version; without a change when it was too large to be told. */
  changed([epoch, number]: Position, change: MirrorChange | undefined): void {
    if (this.#closed) return;
    if (epoch !== this.#waitingEpoch) {
      this.#waiting.clear();
      this.#waitingEpoch = epoch;
    }
    // A place of which nothing was known begins with the first change.
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

  /** Reads it, and again when that is under way already. */
  read(): void {
    if (!this.#hears || this.#closed) return;
    this.#setWhole(false);
    this.#stopTimer();
    this.#isTimed = false;
    this.#again = true;
    if (!this.#reading) void this.#read();
  }

  /** Reads no more, and listens no more. */
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
      // Whatever was said until now the store has done, or has lost.
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

  /** Pages of different versions are made one by what was changed between them, which is said after it was done. */
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

  /** Replaces what is known by what was read. */
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

  /** Does what follows on what is known; waits for what is missing for a while. */
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

  /** Reads it unless what is missing comes soon. */
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

/**
 * What this node knows of the entries of another one, which alone writes them.
 *
 * @module
 */

import type { BusMessageOf, PresenceOp } from "../../backplane/bus_wire.ts";
import type { PresenceEntry } from "../place.ts";
import type { Places } from "../places.ts";
import type { Question } from "./answers.ts";
import type { Entries } from "./entries.ts";
import { isSameState } from "./same_state.ts";
import { readStretch } from "./streams.ts";
import { Transfer } from "./transfer.ts";

/** How many messages that came too early are kept, until what is missing has come. */
const MAX_EARLY = 64;
/** How many changes they may have in all. */
const MAX_EARLY_OPS = 4_096;

type Delta = BusMessageOf<"pd">;
type Page = BusMessageOf<"pp">;

/** Reads a state as another node has sent it; throws where it is none. */
export type StateReader = (state: unknown) => unknown;

/** What {@linkcode Replica} needs. */
export interface ReplicaOptions {
  /** The other node. */
  readonly node: string;
  /** The version that was known before the node was taken for gone: what is older is not shown again. Absent: none. */
  readonly floor: number | undefined;
  /** Where its entries are shown. */
  readonly places: Places;
  /** Makes entries. */
  readonly entries: Entries;
  /** How states of a place are read; `undefined` where this node does not keep presence of it. */
  reader(place: string): StateReader | undefined;
  /** Hears of a state that cannot be read. */
  onUnreadable(error: unknown, place: string): void;
  /** Called when a connection is in a place, and shown there. */
  onPut(place: string, entry: PresenceEntry): void;
}

/** The entries of another node. */
export class Replica {
  /** The node. */
  readonly node: string;
  readonly #options: ReplicaOptions;
  /** What all ids of its connections begin with. */
  readonly #prefix: string;
  /** In how many places it has entries, and how many. */
  readonly #counts = new Map<string, number>();
  #version = 0;
  #floor: number;
  #known = 0;
  /** The version at the last question. */
  #asked = 0;
  #transfer: Transfer | undefined;
  /** What pages have shown that is later than the version, and as of which; by place and connection. */
  readonly #ahead = new Map<string, Map<string, number>>();
  #early: Delta[] = [];
  #earlyOps = 0;

  /** @param options What it needs. */
  constructor(options: ReplicaOptions) {
    this.node = options.node;
    this.#options = options;
    this.#floor = options.floor ?? 0;
    this.#prefix = `${options.node}.`;
  }

  /** The version of the entries that are known: whatever made it, or one before it, is among them. */
  get version(): number {
    return this.#version;
  }

  /** The latest version that was known, also of what is not known any more. */
  get floor(): number {
    return Math.max(this.#floor, this.#version);
  }

  /** Whether a later version is known to exist. */
  get isBehind(): boolean {
    return this.#known > this.#version;
  }

  /** Whether a later version is known since the last question. */
  get hasMoved(): boolean {
    return this.#version > this.#asked;
  }

  /** The whole state that is under way. */
  get transfer(): Pick<Transfer, "isDue"> | undefined {
    return this.#transfer;
  }

  /** Whether it has no entry. */
  get isEmpty(): boolean {
    return this.#counts.size === 0;
  }

  /** How many messages came too early. */
  get early(): number {
    return this.#early.length;
  }

  /** What to ask the node for. */
  ask(): Question {
    const transfer = this.#transfer;
    transfer?.ask();
    this.#asked = this.#version;
    return { after: this.#version, version: transfer?.version ?? this.#floor, index: transfer?.next ?? 0 };
  }

  /** There is a version. */
  hear(version: number): void {
    this.#known = Math.max(this.#known, version);
  }

  /**
   * Changes have come.
   *
   * @returns Whether the version is another now.
   */
  takeDelta(delta: Delta): boolean {
    const [, from, count] = delta;
    const to = from + count;
    this.hear(to);
    if (to <= this.#version) return false; // late, or twice
    if (from > this.#version) {
      this.#keep(delta);
      return false;
    }
    this.#apply(delta);
    this.#applyEarly();
    return true;
  }

  /**
   * A page of the whole state has come.
   *
   * @returns Whether it is one more of those that are awaited.
   */
  takePage(page: Page): boolean {
    const [, version, index, total] = page;
    this.hear(version);
    if (version <= this.#version || version < (this.#transfer?.version ?? this.#floor)) return false; // late
    if (this.#transfer?.version !== version) this.#transfer = new Transfer(version, total);
    const transfer = this.#transfer;
    if (total !== transfer.total || !transfer.take(index)) return false;
    this.#read(page, 4, (place, id) => this.#note(place, id, version));
    if (transfer.complete) {
      this.sweep((place, { id }) => this.#ahead.get(place)?.get(id) !== version);
      this.#reach(version);
      this.#applyEarly();
    }
    return true;
  }

  /** Begins anew: what is known may be incomplete, and is shown until the whole state has come. */
  restart(): void {
    this.#floor = this.floor;
    this.#version = 0;
    this.#known = 0;
    this.#asked = 0;
    this.#transfer = undefined;
    this.#ahead.clear();
    this.#early = [];
    this.#earlyOps = 0;
  }

  /** Removes the entries for which a test is true. */
  sweep(test: (place: string, entry: PresenceEntry) => boolean): void {
    for (const name of [...this.#counts.keys()]) {
      const gone: string[] = [];
      for (const entry of this.#options.places.get(name)?.entries() ?? []) {
        if (entry.node === this.node && test(name, entry)) gone.push(entry.id);
      }
      for (const id of gone) this.drop(name, id);
    }
  }

  /** Removes an entry, if there is one. */
  drop(place: string, id: string): void {
    if (!this.#options.places.drop(place, id)) return;
    const rest = this.#counts.get(place)! - 1;
    if (rest > 0) this.#counts.set(place, rest);
    else this.#counts.delete(place);
  }

  #apply(delta: Delta): void {
    const to = delta[1] + delta[2];
    // What a page has shown is as of its version: a change that made an earlier one is in it, or undone.
    this.#read(delta, 3, (place, id) => (this.#ahead.get(place)?.get(id) ?? 0) < to);
    this.#reach(to);
  }

  /** All that made a version is known. Pages of a later one go on; what those of earlier ones have brought does no harm. */
  #reach(version: number): void {
    this.#version = version;
    if (this.#transfer && this.#transfer.version > version) return;
    this.#transfer = undefined;
    this.#ahead.clear(); // a transfer that was given up for another was of an earlier version
  }

  #note(place: string, id: string, version: number): true {
    let ids = this.#ahead.get(place);
    if (!ids) this.#ahead.set(place, ids = new Map());
    ids.set(id, version);
    return true;
  }

  #keep(delta: Delta): void {
    if (this.#early.length >= MAX_EARLY || this.#earlyOps + delta.length > MAX_EARLY_OPS) return;
    this.#early.push(delta);
    this.#earlyOps += delta.length;
  }

  /** Applies what came too early, as far as it goes. */
  #applyEarly(): void {
    if (this.#early.length === 0) return;
    for (const delta of this.#early.sort((a, b) => a[1] - b[1])) {
      if (delta[1] <= this.#version && delta[1] + delta[2] > this.#version) this.#apply(delta);
    }
    this.#early = this.#early.filter((delta) => delta[1] > this.#version);
    this.#earlyOps = this.#early.reduce((sum, { length }) => sum + length, 0);
  }

  #read(message: Delta | Page, start: number, admits: (place: string, id: string) => boolean): void {
    let name: string | undefined;
    let reader: StateReader | undefined;
    readStretch(message, start, (place, op, at) => {
      if (place !== name) {
        name = place;
        reader = this.#options.reader(place);
      }
      if (!reader) return;
      // Flat from the start: as the key of a map it would be made so, and what it is made of kept.
      const id = [this.#prefix, op[0]].join("");
      if (!admits(place, id)) return;
      if (op.length === 1) this.drop(place, id);
      else this.#put(place, id, op, at, reader);
    });
  }

  #put(name: string, id: string, op: PresenceOp, at: number, read: StateReader): void {
    const { places, entries, onPut } = this.#options;
    const user = op[1] ?? undefined;
    const state = op.length > 2 ? this.#readState(name, op[2], read) : undefined;
    const entry = entries.from({ id, user, node: this.node, state, at });
    const before = places.get(name)?.get(id);
    if (before?.at === entry.at && before.user === user && isSameState(before.state, state)) return;
    if (!before) this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
    places.put(name, entry);
    onPut(name, entry);
  }

  #readState(place: string, state: unknown, read: StateReader): unknown {
    try {
      return read(state);
    } catch (error) {
      this.#options.onUnreadable(error, place);
      return undefined; // who it is of is there all the same
    }
  }
}

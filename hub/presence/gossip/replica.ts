/**
 * This node's copy of the entries of another node. Only that node changes them.
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

/** How many early messages are kept until the missing ones arrive. */
const MAX_EARLY = 64;
/** How many changes the early messages may hold together. */
const MAX_EARLY_OPS = 4_096;

type Delta = BusMessageOf<"pd">;
type Page = BusMessageOf<"pp">;

/** Reads a state from another node; throws when the state is not valid. */
export type StateReader = (state: unknown) => unknown;

/** The options of {@linkcode Replica}. */
export interface ReplicaOptions {
  /** The other node. */
  readonly node: string;
  /** The last known version before the node left. Older entries are not shown again. Absent for a new node. */
  readonly floor: number | undefined;
  /** The places that show its entries. */
  readonly places: Places;
  /** Makes entries. */
  readonly entries: Entries;
  /** The reader for states of a place; `undefined` if this node keeps no presence of it. */
  reader(place: string): StateReader | undefined;
  /** Called when a state cannot be read. */
  onUnreadable(error: unknown, place: string): void;
  /** Called when an entry has been put into a place. */
  onPut(place: string, entry: PresenceEntry): void;
}

/** The entries of another node. */
export class Replica {
  /** The node. */
  readonly node: string;
  readonly #options: ReplicaOptions;
  /** The prefix of its connection ids. */
  readonly #prefix: string;
  /** The number of its entries in each place. */
  readonly #counts = new Map<string, number>();
  #version = 0;
  #floor: number;
  #known = 0;
  /** The version at the last request. */
  #asked = 0;
  #transfer: Transfer | undefined;
  /** Entries from pages of a later version, each with that version; by place and connection. */
  readonly #ahead = new Map<string, Map<string, number>>();
  #early: Delta[] = [];
  #earlyOps = 0;

  /** @param options Its options. */
  constructor(options: ReplicaOptions) {
    this.node = options.node;
    this.#options = options;
    this.#floor = options.floor ?? 0;
    this.#prefix = `${options.node}.`;
  }

  /** The version of the copy: all changes up to it are known. */
  get version(): number {
    return this.#version;
  }

  /** The latest version that was ever known, also if its entries are not known any more. */
  get floor(): number {
    return Math.max(this.#floor, this.#version);
  }

  /** Whether the node has a later version. */
  get isBehind(): boolean {
    return this.#known > this.#version;
  }

  /** Whether the copy has grown since the last request. */
  get hasMoved(): boolean {
    return this.#version > this.#asked;
  }

  /** The whole state whose pages arrive, if any. */
  get transfer(): Pick<Transfer, "isDue"> | undefined {
    return this.#transfer;
  }

  /** Whether it has no entry. */
  get isEmpty(): boolean {
    return this.#counts.size === 0;
  }

  /** How many early messages are kept. */
  get early(): number {
    return this.#early.length;
  }

  /** Makes a request for the missing changes. */
  ask(): Question {
    const transfer = this.#transfer;
    transfer?.ask();
    this.#asked = this.#version;
    return { after: this.#version, version: transfer?.version ?? this.#floor, index: transfer?.next ?? 0 };
  }

  /** The node has a version. */
  hear(version: number): void {
    this.#known = Math.max(this.#known, version);
  }

  /**
   * Takes changes.
   *
   * @returns Whether the version has changed.
   */
  takeDelta(delta: Delta): boolean {
    const [, from, count] = delta;
    const to = from + count;
    this.hear(to);
    if (to <= this.#version) return false; // late, or a duplicate
    if (from > this.#version) {
      this.#keep(delta);
      return false;
    }
    this.#apply(delta);
    this.#applyEarly();
    return true;
  }

  /**
   * Takes a page of the whole state.
   *
   * @returns Whether the page was needed.
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

  /** Starts again: the entries may be incomplete. They are shown until the whole state has arrived. */
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
    // An entry from a page is of the page's version, so it already contains changes up to that version.
    this.#read(delta, 3, (place, id) => (this.#ahead.get(place)?.get(id) ?? 0) < to);
    this.#reach(to);
  }

  /** All changes up to a version are known. A transfer of a later version continues. */
  #reach(version: number): void {
    this.#version = version;
    if (this.#transfer && this.#transfer.version > version) return;
    this.#transfer = undefined;
    this.#ahead.clear(); // entries of a replaced transfer are of an earlier version
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

  /** Applies the early messages that now follow without a hole. */
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
      // `join` makes a flat string. With `+`, the engine would also keep the two parts in memory.
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
      return undefined; // the member is shown without a state
    }
  }
}

/**
 * A place in the view of a listener, with the rules that its events must keep.
 *
 * @module
 */

import type { PresenceEntry } from "../../hub/presence/place.ts";
import type { Followed } from "../../hub/presence/source.ts";

/** The state that users set. It contains its own place, so that a state in a wrong place is noticed. */
export interface SimulatedState {
  /** The connection. */
  readonly id: string;
  /** The place. */
  readonly place: string;
  /** Its number: each state of a connection has a higher one than the state before. */
  readonly number: number;
}

/** The knowledge about nodes that the rules of a place need. */
export interface WatchOptions {
  /** The place. */
  readonly place: string;
  /** The node that watches. */
  readonly self: string;
  /** Whether messages come in order: else an old state may show again for a while, until all has come. */
  readonly ordered: boolean;
  /** Whether a node is there, or was until lately, so that its entries may be shown. */
  mayShow(node: string): boolean;
  /** Something has changed; given what is wrong with that. Listeners must not throw. */
  changed(wrong: string | undefined): void;
}

/** A number for an entry: sums of them are equal for equal sets, but for one in four thousand millions. */
export function entryHash(place: string, { id, user, state }: PresenceEntry): number {
  let hash = 0x811c9dc5;
  const number = state === undefined ? -1 : (state as SimulatedState).number;
  for (const text of [place, id, user ?? "\n"]) {
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
    hash = Math.imul(hash ^ 0x1f, 0x01000193);
  }
  hash = Math.imul(hash ^ number, 0x01000193);
  return Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) | 0;
}

/** A place, watched. */
export class WatchedPlace {
  /** The followed place. */
  readonly followed: Followed;
  /** The members, by the changes. */
  readonly shown = new Map<string, PresenceEntry>();
  /** How many are there of each node. */
  readonly byNode = new Map<string, number>();
  /** The sum of the members' numbers. */
  sum = 0;
  readonly #options: WatchOptions;
  readonly #stop: () => void;

  /**
   * @param followed What the code under test shows.
   * @param options Who watches.
   */
  constructor(followed: Followed, options: WatchOptions) {
    this.followed = followed;
    this.#options = options;
    for (const entry of followed.place.entries()) this.#add(entry);
    this.#stop = followed.place.onChange(({ before, after }) => this.#changed(before, after));
  }

  /** Watches no more. */
  release(): void {
    this.#stop();
    this.followed.release();
  }

  /** Whether the list of the place is what its changes made it; `undefined` when it is. */
  difference(): string | undefined {
    const { place } = this.followed;
    const users = new Set<string>();
    let anonymous = 0;
    for (const entry of place.entries()) {
      if (this.shown.get(entry.id) !== entry) return `lists ${entry.id} in another way than it told`;
      if (entry.user === undefined) anonymous++;
      else users.add(entry.user);
    }
    if (place.count("connection") !== this.shown.size) return "lists others than it told of";
    if (place.count("user") !== users.size + anonymous) return "counts other users than it lists";
    return undefined;
  }

  /** Which connection shows for each user, in words that are equal where that is. */
  showing(): string {
    const members = [...this.followed.place.members("user")].filter(({ user }) => user !== undefined);
    return members.map(({ user, id }) => `${user} by ${id}`).sort().join(", ");
  }

  #changed(before: PresenceEntry | undefined, after: PresenceEntry | undefined): void {
    const { changed, place } = this.#options;
    const id = (after ?? before)!.id;
    changed(
      this.shown.get(id) === before ? undefined : `told of a change of ${id} in ${place} that nothing led to`,
    );
    if (before) this.#remove(before);
    if (!after) return;
    changed(this.#wrong(before, after));
    this.#add(after);
  }

  #wrong(before: PresenceEntry | undefined, { id, node, state }: PresenceEntry): string | undefined {
    const { self, mayShow, place, ordered } = this.#options;
    const now = state as SimulatedState | undefined;
    const old = before?.state as SimulatedState | undefined;
    if (!id.startsWith(`${node}.`)) return `shows ${id} on ${node}`;
    if (now && (now.id !== id || now.place !== place)) {
      return `shows ${id} in ${place} with a state of others`;
    }
    if (node !== self && !mayShow(node)) return `shows ${id}, whose node it does not know`;
    if (ordered && old && now && now.number < old.number) {
      return `shows an older state of ${id} in ${place} after a newer one`;
    }
    return undefined;
  }

  #add(entry: PresenceEntry): void {
    this.shown.set(entry.id, entry);
    this.byNode.set(entry.node, (this.byNode.get(entry.node) ?? 0) + 1);
    this.sum = (this.sum + entryHash(this.#options.place, entry)) | 0;
  }

  #remove(entry: PresenceEntry): void {
    this.shown.delete(entry.id);
    const rest = this.byNode.get(entry.node)! - 1;
    if (rest > 0) this.byNode.set(entry.node, rest);
    else this.byNode.delete(entry.node);
    this.sum = (this.sum - entryHash(this.#options.place, entry)) | 0;
  }
}

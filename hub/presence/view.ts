/**
 * A watched place. Its changes are gathered, merged per member, and sent at most once per interval.
 *
 * @module
 */

import {
  type Clock,
  type PresenceBy,
  type PresenceChange,
  type PresenceMember,
  utf8Size,
  writeJson,
} from "../../contract/mod.ts";
import { memberOf, type Place, type PlaceChange, type PresenceEntry } from "./place.ts";
import type { Followed } from "./source.ts";

/** The news that a view sends, in order. */
export type ViewNews =
  /**
   * Changes of members. A watcher that has just started may know some of them. Then a `join` may name a member that the
   * watcher already has, and a `leave` a member that it never had. If the watcher keeps members by id, its list is the
   * same as all others in the end.
   */
  | { readonly type: "changes"; readonly changes: readonly PresenceChange[]; readonly count: number }
  /** There are too many members to list: only their number. The earlier list is no longer valid. */
  | { readonly type: "count"; readonly count: number }
  /** There are few enough members again. This list replaces the earlier one. */
  | { readonly type: "all"; readonly members: readonly PresenceMember[]; readonly count: number }
  /** Whether all members are known; `false` while the backplane or the store is down. */
  | { readonly type: "whole"; readonly whole: boolean };

/** The state of a view for a new watcher. The later news continue from it. */
export interface ViewSnapshot {
  /** Whether the members are listed; `false` when there are too many. */
  readonly listed: boolean;
  /** All members, in no order; empty when they are not listed. */
  readonly members: readonly PresenceMember[];
  /** The number of members. */
  readonly count: number;
  /** Whether all members are known. */
  readonly whole: boolean;
}

/** The options of {@linkcode View}. */
export interface ViewOptions {
  /** The place; the view releases it. */
  readonly followed: Followed;
  /** What counts as one member: a user or a connection. */
  readonly by: PresenceBy;
  /** The clock. */
  readonly clock: Clock;
  /**
   * How long changes are gathered after the last news, in milliseconds; 0 means until the end of the turn. The first
   * changes after a quiet time are sent at the end of the turn.
   */
  readonly intervalMs: number;
  /**
   * How long to wait until all members are known for the first time, in milliseconds. Then it begins with the known
   * members.
   */
  readonly patienceMs: number;
  /** With more members, only their number is sent, until there are fewer than four fifths of this limit. */
  readonly maxListed: number;
  /**
   * The same limit for the total size of the members, or of the changed members, in bytes of JSON (an estimate). It is
   * checked for a snapshot, and when changes are sent.
   */
  readonly maxListedBytes: number;
  /** Takes the news. Must not throw. */
  tell(news: ViewNews): void;
}

/**
 * Members are listed again below this share of a limit. At the limit itself, one member could switch it again and
 * again.
 */
const LISTED_AGAIN = 0.8;

/** What a member takes on the wire without its names and its state, in bytes (an estimate). */
const AROUND_BYTES = 16;

/** A member that may have changed. */
interface Pending {
  /** The entry in the last news; `undefined` if the member was not there. */
  readonly told: PresenceEntry | undefined;
  /** The entry before the last change; `undefined` if the member was not there. */
  last: PresenceEntry | undefined;
  /** Whether a new watcher may have got another entry in its snapshot. */
  mixed: boolean;
}

/** A member, as the application and clients see it. */
export function toMember(by: PresenceBy, entry: PresenceEntry): PresenceMember {
  const { id, user, node, state } = entry;
  return { id: by === "user" ? user ?? id : id, user, node, state };
}

/** A watched place. */
export class View {
  /**
   * Resolves when all members are known for the first time, or `patienceMs` is over. No news is sent before. Rejects
   * when the source closes before.
   */
  readonly ready: Promise<void>;
  readonly #options: ViewOptions;
  readonly #place: Place;
  readonly #pending = new Map<string, Pending>();
  readonly #stopChanges: () => void;
  readonly #stopWhole: () => void;
  #begun = false;
  #listed = true;
  /** Whether there are changes that were not sent. */
  #dirty = false;
  #stopResting: (() => void) | undefined;
  #stopWaiting = () => {};
  #closed = false;

  /** @param options Its options. */
  constructor(options: ViewOptions) {
    const { followed, tell, clock, patienceMs } = options;
    this.#options = options;
    this.#place = followed.place;
    this.#stopChanges = followed.place.onChange((change) => this.#changed(change));
    this.#stopWhole = followed.onWhole((whole) => {
      if (!this.#begun) return whole ? this.#begin() : undefined;
      this.flush();
      tell({ type: "whole", whole });
    });
    const waited = Promise.withResolvers<void>();
    if (followed.whole) this.#begin();
    else this.#stopWaiting = clock.after(patienceMs, waited.resolve, { background: true });
    this.ready = Promise.race([followed.ready, waited.promise]).then(() => this.#begin());
    this.ready.catch(() => {}); // callers that wait get the error; without callers, no unhandled rejection
  }

  /** Whether the view has begun, so that `snapshot` can be called. */
  get begun(): boolean {
    return this.#begun;
  }

  /**
   * Returns the state for a new watcher, which must then get all later news. Changes that were not sent yet are
   * already in it, and come again with the next news.
   */
  snapshot(): ViewSnapshot {
    const { by, followed: { whole } } = this.#options;
    const members = this.#listed ? this.#members() : [];
    if (exceed(members, this.#options.maxListedBytes)) {
      this.#unlist();
      this.#stir();
    }
    for (const pending of this.#pending.values()) pending.mixed = true;
    const listed = this.#listed;
    return { listed, members: listed ? members : [], count: this.#place.count(by), whole };
  }

  /** Sends the gathered changes now. Returns whether it sent news. */
  flush(): boolean {
    if (!this.#dirty) return false;
    const { by, tell, maxListedBytes } = this.#options;
    this.#dirty = false;
    const count = this.#place.count(by);
    if (!this.#listed) {
      const members = this.#listedAgain(count);
      this.#listed = members !== undefined;
      tell(members ? { type: "all", members, count } : { type: "count", count });
      return true;
    }
    const changes: PresenceChange[] = [];
    for (const [id, pending] of this.#pending) {
      const change = net(by, pending, this.#place.member(by, id));
      if (change) changes.push(change);
    }
    this.#pending.clear();
    if (changes.length === 0) return false;
    if (exceed(changes.flatMap(({ type, member }) => type === "leave" ? [] : [member]), maxListedBytes)) {
      this.#unlist();
      tell({ type: "count", count });
      return true;
    }
    tell({ type: "changes", changes, count });
    return true;
  }

  /** Stops the view: it sends no more news. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#dirty = false;
    this.#pending.clear();
    this.#stopResting?.();
    this.#stopWaiting();
    this.#stopChanges();
    this.#stopWhole();
    this.#options.followed.release();
  }

  #begin(): void {
    if (this.#begun || this.#closed) return;
    this.#begun = true;
    this.#stopWaiting();
    this.#listed = this.#place.count(this.#options.by) <= this.#options.maxListed;
  }

  #members(): PresenceMember[] {
    const { by } = this.#options;
    return Array.from(this.#place.members(by), (entry) => toMember(by, entry));
  }

  /** All members, if they are few and small enough to be listed again. */
  #listedAgain(count: number): PresenceMember[] | undefined {
    const { maxListed, maxListedBytes } = this.#options;
    if (count >= maxListed * LISTED_AGAIN) return undefined;
    const members = this.#members();
    return exceed(members, maxListedBytes * LISTED_AGAIN) ? undefined : members;
  }

  #unlist(): void {
    this.#listed = false;
    this.#pending.clear();
  }

  #changed({ before, after, showed }: PlaceChange): void {
    if (!this.#begun) return;
    const { by, maxListed } = this.#options;
    if (this.#listed && this.#place.count(by) > maxListed) this.#unlist();
    if (this.#listed) {
      const entry = after ?? before!;
      const was = by === "user" ? showed : before;
      const id = by === "user" ? memberOf(entry) : entry.id;
      const pending = this.#pending.get(id);
      if (!pending) this.#pending.set(id, { told: was, last: was, mixed: false });
      else if (was) pending.last = was;
    }
    this.#stir();
  }

  /** Notes that there are changes to send. */
  #stir(): void {
    if (this.#dirty) return;
    this.#dirty = true;
    if (!this.#stopResting) this.#options.clock.endOfTurn(() => this.#due());
  }

  #due(): void {
    const { clock, intervalMs } = this.#options;
    if (this.#stopResting || !this.flush() || intervalMs === 0) return;
    this.#stopResting = clock.after(intervalMs, () => {
      this.#stopResting = undefined;
      this.#due();
    }, { background: true });
  }
}

/** Whether the total size of members is more than this many bytes. */
function exceed(members: Iterable<PresenceMember>, maxBytes: number): boolean {
  if (maxBytes === Infinity) return false;
  let bytes = 0;
  for (const { id, user, state } of members) {
    bytes += AROUND_BYTES + utf8Size(id) + (user === undefined || user === id ? 0 : utf8Size(user));
    if (state !== undefined) bytes += utf8Size(writeJson(state));
    if (bytes > maxBytes) return true;
  }
  return false;
}

/** Merges the changes of a member into one; `undefined` if nothing has changed in the end. */
function net(
  by: PresenceBy,
  { told, last, mixed }: Pending,
  now: PresenceEntry | undefined,
): PresenceChange | undefined {
  if (!now) return told || mixed ? { type: "leave", member: toMember(by, last ?? told!) } : undefined;
  const member = toMember(by, now);
  if (!told) return { type: "join", member };
  if (!mixed && told.node === now.node && sameState(told.state, now.state)) return undefined;
  return { type: "update", member };
}

function sameState(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  return one !== undefined && other !== undefined && writeJson(one) === writeJson(other);
}

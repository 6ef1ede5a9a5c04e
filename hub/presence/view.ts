/**
 * A place as it is watched: what changes is gathered, netted and told at most once an interval.
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

/** What a view tells, in order. */
export type ViewNews =
  /**
   * What has become of members. To those who have come meanwhile some of it is not new: a `join` of a member that they have
   * may be an `update` or nothing to them, and a `leave` may be of one that they never had. Whoever keeps the members by id
   * ends up with the same as all others.
   */
  | { readonly type: "changes"; readonly changes: readonly PresenceChange[]; readonly count: number }
  /** There are too many to list: only how many. What was known of the members counts no more. */
  | { readonly type: "count"; readonly count: number }
  /** They are few enough again: these are all, in place of what was known before. */
  | { readonly type: "all"; readonly members: readonly PresenceMember[]; readonly count: number }
  /** Whether it is known of everybody who is there; `false` while the backplane or the store is away. */
  | { readonly type: "whole"; readonly whole: boolean };

/** What a newcomer is told, so that the news that follow fit. */
export interface ViewSnapshot {
  /** Whether the members are listed; not where there are too many. */
  readonly listed: boolean;
  /** All of them, in no order; none where they are not listed. */
  readonly members: readonly PresenceMember[];
  /** How many there are. */
  readonly count: number;
  /** Whether it is known of everybody who is there. */
  readonly whole: boolean;
}

/** What {@linkcode View} needs. */
export interface ViewOptions {
  /** The place; the view releases it. */
  readonly followed: Followed;
  /** Whom to count as one. */
  readonly by: PresenceBy;
  /** Where time comes from. */
  readonly clock: Clock;
  /**
   * How long changes are gathered after some were told, in milliseconds; 0 for until the end of the turn. The first ones after
   * a quiet time are told at the end of the turn.
   */
  readonly intervalMs: number;
  /** How long to wait until everybody is known for the first time, in milliseconds; then it begins with whom is known. */
  readonly patienceMs: number;
  /** With more members only their number is told, until there are less than four fifths of it. */
  readonly maxListed: number;
  /**
   * The same for how large the members are together, or those of them that have changed, in bytes of JSON and about: so much may be
   * told at once. It is looked at when a newcomer is told everybody, and when changes are told.
   */
  readonly maxListedBytes: number;
  /** Takes what is told. Must not throw. */
  tell(news: ViewNews): void;
}

/** Which share of what is too much there may be again before members are listed: else one who comes and goes would turn it over each time. */
const LISTED_AGAIN = 0.8;

/** What a member takes on the wire beside its names and its state, in bytes, about. */
const AROUND_BYTES = 16;

/** A member that may have changed. */
interface Pending {
  /** As it was told last; `undefined` where it was not there. */
  readonly told: PresenceEntry | undefined;
  /** As it was before its last change, where it was there. */
  last: PresenceEntry | undefined;
  /** Whether a newcomer was told something else. */
  mixed: boolean;
}

/** A member, as users see it. */
export function toMember(by: PresenceBy, entry: PresenceEntry): PresenceMember {
  const { id, user, node, state } = entry;
  return { id: by === "user" ? user ?? id : id, user, node, state };
}

/** A place as it is watched. */
export class View {
  /**
   * Resolves when everybody is known for the first time, or was waited for long enough; until then nothing is told. Rejects when
   * the source closes before.
   */
  readonly ready: Promise<void>;
  readonly #options: ViewOptions;
  readonly #place: Place;
  readonly #pending = new Map<string, Pending>();
  readonly #stopChanges: () => void;
  readonly #stopWhole: () => void;
  #begun = false;
  #listed = true;
  /** Whether something has changed that was not told. */
  #dirty = false;
  #stopResting: (() => void) | undefined;
  #stopWaiting = () => {};
  #closed = false;

  /** @param options What it needs. */
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
    this.ready.catch(() => {}); // whoever waits sees it; nobody may be waiting
  }

  /** Whether everybody was known once: `snapshot` gives all. */
  get begun(): boolean {
    return this.#begun;
  }

  /**
   * What a newcomer has to be told; it must be told all news from then on. What the others have not been told yet is part of it,
   * and comes again with the news.
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

  /** Tells what has changed, now. */
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

  /** Watches no more: nothing is told. Idempotent. */
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

  /** Everybody, where they are few and small enough to be listed again. */
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

  /** There is something to tell. */
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

/** Whether members are larger together than so many bytes. */
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

/** What a member's changes come to. */
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

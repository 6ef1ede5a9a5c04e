/**
 * Connections that are gone and count as present a while longer, so that a user who reloads a page, or moves to another
 * node, neither leaves nor joins.
 *
 * @module
 */

import type { Clock } from "../../contract/mod.ts";
import type { Place, PlaceChange, PresenceEntry } from "./place.ts";
import type { Followed, PresenceSource } from "./source.ts";

/** How many may be waited for; beyond, the one that has waited longest leaves at once. */
const MAX_LEAVING = 100_000;

/** What {@linkcode Leaving} needs. */
export interface LeavingOptions {
  /** Who is told that a connection has left. */
  readonly source: Pick<PresenceSource, "follow" | "drop" | "isGone">;
  /** Where time comes from. */
  readonly clock: Clock;
  /** How long a connection that is gone counts as present, in milliseconds. */
  readonly leaveAfterMs: number;
  /** @default {100_000} */
  readonly maxLeaving?: number;
}

/** Whose connection it is. */
type Gone = Pick<PresenceEntry, "id" | "user">;

/** A connection that is gone, and counts as present. */
interface Leaver {
  readonly place: string;
  readonly id: string;
  readonly user: string;
  due: number;
}

/** A place in which somebody is waited for. */
interface Watch {
  readonly followed: Followed;
  readonly stop: () => void;
  /** By user. */
  readonly leavers: Map<string, Leaver>;
}

/** The connections of this node that are gone, and count as present a while longer. */
export class Leaving {
  readonly #options: LeavingOptions;
  /** In the order in which their time is up. */
  readonly #leavers = new Set<Leaver>();
  readonly #watches = new Map<string, Watch>();
  #stopTimer: (() => void) | undefined;
  #closed = false;

  /** @param options What it needs. */
  constructor(options: LeavingOptions) {
    this.#options = options;
  }

  /** How many there are. */
  get size(): number {
    return this.#leavers.size;
  }

  /**
   * A connection is gone. It leaves the place later, or at once: when it is anonymous, when its user is there with another
   * connection, or as soon as that is so.
   *
   * A connection on another node may be gone too, without this node knowing it yet, and be given up there because of this one: so
   * it counts only where its id is the greater one. Then one of them stays, whatever its node knows.
   */
  add(place: string, { id, user }: Gone): void {
    const { source, clock, leaveAfterMs, maxLeaving = MAX_LEAVING } = this.#options;
    if (leaveAfterMs === 0 || user === undefined || this.#closed) return source.drop(place, id);
    const watch = this.#watch(place);
    // One that was never there, as its first state took it out again, is not to be waited for.
    if (!watch.followed.place.get(id) || this.#isOutdone(watch.followed.place, { id, user })) {
      source.drop(place, id);
      return this.#release(place, watch);
    }
    const leaver: Leaver = { place, id, user, due: clock.now() + leaveAfterMs };
    this.#leavers.add(leaver);
    watch.leavers.set(user, leaver);
    if (this.#leavers.size > maxLeaving) this.#end(first(this.#leavers)!);
    this.#wait();
  }

  /** Waits for nobody any more; the source forgets them itself. */
  close(): void {
    this.#closed = true;
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    this.#leavers.clear();
    for (const [place, watch] of this.#watches) {
      watch.leavers.clear();
      this.#release(place, watch);
    }
  }

  #watch(place: string): Watch {
    let watch = this.#watches.get(place);
    if (watch) return watch;
    const leavers = new Map<string, Leaver>();
    const followed = this.#options.source.follow(place);
    const stop = followed.place.onChange((change) => this.#changed(followed, leavers, change));
    this.#watches.set(place, watch = { followed, stop, leavers });
    return watch;
  }

  #changed(
    { place, whole }: Followed,
    leavers: Watch["leavers"],
    { before, after }: PlaceChange,
  ): void {
    if (before && after) return;
    const user = (before ?? after)?.user;
    const leaver = user === undefined ? undefined : leavers.get(user);
    if (!leaver || leaver.id === before?.id) return;
    if (!after) return place.hasOther(leaver) ? undefined : this.#beginAnew(leaver);
    // Somebody is there again: whoever hears of that now must not hear of the old connection within it. Or was there all the
    // time, where not everybody was known.
    const isBack = () => whole ? place.hasOther(leaver) : this.#isOutdone(place, leaver);
    queueMicrotask(() => isBack() && this.#end(leaver));
  }

  /** Whether its user is there with another connection that stays, should it be gone too. */
  #isOutdone(place: Place, { id, user }: Pick<Leaver, "id" | "user">): boolean {
    const own = place.get(id)?.node;
    return place.of(user).some((other) =>
      other.node === own ? other.id !== id : other.id > id && !this.#options.source.isGone(other.node)
    );
  }

  /** Its user was there with another connection until now. */
  #beginAnew(leaver: Leaver): void {
    const { clock, leaveAfterMs } = this.#options;
    this.#leavers.delete(leaver);
    leaver.due = clock.now() + leaveAfterMs;
    this.#leavers.add(leaver);
  }

  #end(leaver: Leaver): void {
    if (!this.#leavers.delete(leaver)) return;
    const { place, user, id } = leaver;
    const watch = this.#watches.get(place)!;
    watch.leavers.delete(user);
    this.#options.source.drop(place, id);
    this.#release(place, watch);
    if (this.#leavers.size > 0) return;
    this.#stopTimer?.();
    this.#stopTimer = undefined;
  }

  #release(place: string, { leavers, followed, stop }: Watch): void {
    if (leavers.size > 0) return;
    this.#watches.delete(place);
    stop();
    followed.release();
  }

  #wait(): void {
    const next = first(this.#leavers);
    if (!next || this.#stopTimer) return;
    const { clock } = this.#options;
    this.#stopTimer = clock.after(next.due - clock.now(), () => {
      this.#stopTimer = undefined;
      for (const leaver of this.#leavers) {
        if (leaver.due > clock.now()) break;
        this.#end(leaver);
      }
      this.#wait();
    }, { background: true });
  }
}

function first<T>(all: Iterable<T>): T | undefined {
  for (const one of all) return one;
  return undefined;
}

/**
 * Connections that have ended but count as present a while longer. So a user who reloads a page, or moves to another
 * node, causes no leave and no join.
 *
 * @module
 */

import type { Clock } from "../../contract/mod.ts";
import type { Place, PlaceChange, PresenceEntry } from "./place.ts";
import type { Followed, PresenceSource } from "./source.ts";

/** How many connections may wait. Beyond this number, the one that has waited longest leaves at once. */
const MAX_LEAVING = 100_000;

/** The options of {@linkcode Leaving}. */
export interface LeavingOptions {
  /** The source of presence: it is told when a connection leaves. */
  readonly source: Pick<PresenceSource, "follow" | "drop" | "isGone">;
  /** The clock. */
  readonly clock: Clock;
  /** How long a connection that has ended counts as present, in milliseconds. */
  readonly leaveAfterMs: number;
  /** @default {100_000} */
  readonly maxLeaving?: number;
}

/** A connection that has ended, and its user. */
type Gone = Pick<PresenceEntry, "id" | "user">;

/** A connection that has ended, and counts as present. */
interface Leaver {
  readonly place: string;
  readonly id: string;
  readonly user: string;
  due: number;
}

/** A place with connections that have ended and count as present. */
interface Watch {
  readonly followed: Followed;
  readonly stop: () => void;
  /** By user. */
  readonly leavers: Map<string, Leaver>;
}

/** The connections of this node that have ended, and count as present a while longer. */
export class Leaving {
  readonly #options: LeavingOptions;
  /** In the order in which their time ends. */
  readonly #leavers = new Set<Leaver>();
  readonly #watches = new Map<string, Watch>();
  #stopTimer: (() => void) | undefined;
  #closed = false;

  /** @param options Its options. */
  constructor(options: LeavingOptions) {
    this.#options = options;
  }

  /** The number of these connections. */
  get size(): number {
    return this.#leavers.size;
  }

  /**
   * A connection has ended. An anonymous one leaves the place at once. The connection of a user leaves at once if the
   * user has another connection in the place. Otherwise it leaves later: when the user comes back, or when the time is
   * up.
   *
   * A connection of the user on another node may have ended too, and this node may not know it yet. That node could
   * drop its connection because of the one here. So a connection on another node counts only if its id is greater. Then
   * one of the two stays.
   */
  add(place: string, { id, user }: Gone): void {
    const { source, clock, leaveAfterMs, maxLeaving = MAX_LEAVING } = this.#options;
    if (leaveAfterMs === 0 || user === undefined || this.#closed) return source.drop(place, id);
    const watch = this.#watch(place);
    // A connection that never was in the place leaves at once: `stateOf` may have removed it.
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

  /** Stops waiting. The source forgets the connections by itself. */
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
    // The user is back, or was there all the time, unknown to this node. Listeners are being told of this change now,
    // so the old connection is dropped after that, not within it.
    const isBack = () => whole ? place.hasOther(leaver) : this.#isOutdone(place, leaver);
    queueMicrotask(() => isBack() && this.#end(leaver));
  }

  /** Whether its user has another connection in the place that is sure to stay. */
  #isOutdone(place: Place, { id, user }: Pick<Leaver, "id" | "user">): boolean {
    const own = place.get(id)?.node;
    return place.of(user).some((other) =>
      other.node === own ? other.id !== id : other.id > id && !this.#options.source.isGone(other.node)
    );
  }

  /** The user's other connection has left: the waiting time starts again. */
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

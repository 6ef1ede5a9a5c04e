import { Place, type PresenceEntry } from "../../hub/presence/place.ts";
import type { Followed } from "../../hub/presence/source.ts";

/** A followed place that a test moves by hand. */
export interface TestFollowed extends Followed {
  readonly place: Place;
  released: number;
  /** Sets whether all members are known. */
  be(whole: boolean): void;
  /** The source closes before all is known. */
  fail(error: unknown): void;
}

/** Follows a place of a test. */
export function follow(place: Place = new Place("room:r"), whole = true): TestFollowed {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  promise.catch(() => {});
  if (whole) resolve();
  const listeners = new Set<(whole: boolean) => void>();
  return {
    place,
    whole,
    ready: promise,
    released: 0,
    onWhole(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    release() {
      this.released++;
    },
    be(whole) {
      Object.assign(this, { whole });
      for (const listener of listeners) listener(whole);
      if (whole) resolve();
    },
    fail: reject,
  };
}

let last = 0;

/** An entry: `entry("tab 1", "ann", { name: "Ann" })`. */
export function entry(id: string, user?: string, state?: unknown, node = "n1"): PresenceEntry {
  return { id, user, node, state, at: ++last };
}

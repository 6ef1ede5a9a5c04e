/**
 * Whoever of this process listens to places: each is told every change, at the end of its turn at the latest.
 *
 * @module
 */

import { callEach, type Clock, type PresenceBy, type PresenceChange } from "../../contract/mod.ts";
import type { HubErrorInfo } from "../api/options.ts";
import type { PresenceSource } from "./source.ts";
import { View } from "./view.ts";

/** Who listens. */
export interface ChangeListener {
  /** Takes a change; what it throws is reported. */
  changed(change: PresenceChange): unknown;
  /** The hub is closed: nothing follows. Called at once where it is already. Must not throw. */
  closed?(): void;
}

/** What {@linkcode Listeners} needs. */
export interface ListenersOptions {
  /** Where it is known from who is where. */
  readonly source: Pick<PresenceSource, "follow">;
  /** Where time comes from. */
  readonly clock: Clock;
  /** How long to wait until everybody is known, in milliseconds. */
  readonly patienceMs: number;
  /** Reports what listeners throw. */
  onError(error: unknown, info: HubErrorInfo): void;
}

/** A place that is listened to. */
interface Heard {
  readonly view: View;
  readonly listeners: Set<ChangeListener>;
}

/** Whoever listens to places. */
export class Listeners {
  readonly #options: ListenersOptions;
  /** By place and `by`. */
  readonly #heard = new Map<string, Heard>();
  #closed = false;

  /** @param options What it needs. */
  constructor(options: ListenersOptions) {
    this.#options = options;
  }

  /** How many places are listened to; those by user and by connection count twice. */
  get size(): number {
    return this.#heard.size;
  }

  /**
   * Listens to what changes from now on.
   *
   * @param place The channel of the room or topic.
   * @param by Whom to count as one.
   * @param listener Who listens.
   * @returns Stops it.
   */
  listen(place: string, by: PresenceBy, listener: ChangeListener): () => void {
    if (this.#closed) {
      listener.closed?.();
      return () => {};
    }
    const key = `${by} ${place}`;
    const heard = this.#heard.get(key) ?? this.#open(key, place, by);
    heard.view.flush(); // what has changed before is told to those who listened then
    heard.listeners.add(listener);
    return () => {
      if (!heard.listeners.delete(listener) || heard.listeners.size > 0) return;
      heard.view.close();
      if (this.#heard.get(key) === heard) this.#heard.delete(key);
    };
  }

  /** Nobody listens any more. */
  close(): void {
    this.#closed = true;
    for (const { view, listeners } of this.#heard.values()) {
      view.close();
      for (const listener of listeners) listener.closed?.();
      listeners.clear();
    }
    this.#heard.clear();
  }

  #open(key: string, place: string, by: PresenceBy): Heard {
    const { source, clock, patienceMs, onError } = this.#options;
    const listeners = new Set<ChangeListener>();
    const failed = (error: unknown) => onError(error, { stage: "listener", channel: place });
    const view = new View({
      followed: source.follow(place),
      by,
      clock,
      intervalMs: 0,
      patienceMs,
      maxListed: Infinity,
      maxListedBytes: Infinity,
      tell(news) {
        if (news.type !== "changes") return;
        const before = new Set(listeners); // to whoever begins meanwhile, none of it is new
        for (const change of news.changes) {
          callEach(before, (one) => listeners.has(one) && one.changed(change), failed);
        }
      },
    });
    const heard = { view, listeners };
    this.#heard.set(key, heard);
    return heard;
  }
}

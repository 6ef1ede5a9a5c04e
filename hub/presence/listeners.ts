/**
 * The listeners of this process for changes in places. Each listener gets every change, at the end of the turn at the
 * latest.
 *
 * @module
 */

import { callEach, type Clock, type PresenceBy, type PresenceChange } from "../../contract/mod.ts";
import type { HubErrorInfo } from "../api/options.ts";
import type { PresenceSource } from "./source.ts";
import { View } from "./view.ts";

/** A listener for changes. */
export interface ChangeListener {
  /** Takes a change; its errors are reported. */
  changed(change: PresenceChange): unknown;
  /** Called when the hub is closed: no change follows. Called at once if it is closed already. Must not throw. */
  closed?(): void;
}

/** The options of {@linkcode Listeners}. */
export interface ListenersOptions {
  /** The source of presence. */
  readonly source: Pick<PresenceSource, "follow">;
  /** The clock. */
  readonly clock: Clock;
  /** How long to wait until all members are known, in milliseconds. */
  readonly patienceMs: number;
  /** Called with the errors of listeners. */
  onError(error: unknown, info: HubErrorInfo): void;
}

/** A place with listeners. */
interface Heard {
  readonly view: View;
  readonly listeners: Set<ChangeListener>;
}

/** The listeners of a hub for changes in places. */
export class Listeners {
  readonly #options: ListenersOptions;
  /** By place and `by`. */
  readonly #heard = new Map<string, Heard>();
  #closed = false;

  /** @param options Its options. */
  constructor(options: ListenersOptions) {
    this.#options = options;
  }

  /** How many places have listeners. A place with listeners by user and by connection counts twice. */
  get size(): number {
    return this.#heard.size;
  }

  /**
   * Listens to changes from now on.
   *
   * @param place The channel of the room or topic.
   * @param by What counts as one member: a user or a connection.
   * @param listener The listener.
   * @returns A function that removes it.
   */
  listen(place: string, by: PresenceBy, listener: ChangeListener): () => void {
    if (this.#closed) {
      listener.closed?.();
      return () => {};
    }
    const key = `${by} ${place}`;
    const heard = this.#heard.get(key) ?? this.#open(key, place, by);
    heard.view.flush(); // earlier changes go to the earlier listeners only
    heard.listeners.add(listener);
    return () => {
      if (!heard.listeners.delete(listener) || heard.listeners.size > 0) return;
      heard.view.close();
      if (this.#heard.get(key) === heard) this.#heard.delete(key);
    };
  }

  /** Removes all listeners. */
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
        const before = new Set(listeners); // a listener that is added meanwhile gets none of these changes
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

/**
 * Events that the server sends.
 *
 * @module
 */

import {
  callEach,
  type CallOptions,
  defer,
  type Entry,
  HubError,
  parseNow,
  type Surface,
  throwIfAborted,
  waitAtMost,
} from "../contract/mod.ts";
import { CALL } from "../contract/options/option_kinds.ts";
import { readOptions } from "../contract/options/read_options.ts";
import type { Settings } from "./options.ts";
import type { RoomMeta } from "./api/mod.ts";

/** Called with an event's payload. */
type Listener = (payload: unknown, meta: RoomMeta | undefined) => unknown;

/** The listeners, by event. */
export class Events {
  readonly #surface: Surface;
  readonly #settings: Settings;
  readonly #listeners = new Map<string, Set<{ readonly call: Listener }>>();
  /** Functions that end the waits of `once`. */
  readonly #waits = new Set<(error: unknown) => void>();
  #closed: HubError | undefined;

  /**
   * @param surface What the role may receive.
   * @param settings The settings of the client: where errors of payloads and listeners are reported.
   */
  constructor(surface: Surface, settings: Settings) {
    this.#surface = surface;
    this.#settings = settings;
  }

  /** See `Client.on`. */
  on(name: string, call: Listener): () => void {
    this.#entry(name);
    const listener = { call };
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(name) === listeners) this.#listeners.delete(name);
    };
  }

  /** See `Client.once`. */
  once(name: string, given?: CallOptions): Promise<unknown> {
    const { promise, resolve, reject } = defer<unknown>();
    promise.catch(() => {}); // the caller sees a rejection only if it awaits the promise
    try {
      const { timeoutMs = Infinity, signal } = readOptions("once", given, CALL);
      throwIfAborted(signal);
      if (this.#closed) throw this.#closed;
      const off = this.on(name, (payload) => {
        end();
        resolve(payload);
      });
      const fail = (error: unknown) => {
        end();
        reject(error);
      };
      const late = () => new HubError("TIMEOUT", `No event "${name}" within ${timeoutMs} ms`);
      const wait = waitAtMost(this.#settings.clock, { timeoutMs, signal }, late, fail);
      const end = () => {
        off();
        wait.free();
        this.#waits.delete(fail);
      };
      this.#waits.add(fail);
    } catch (error) {
      reject(error);
    }
    return promise;
  }

  /**
   * Calls the listeners of an event. A listener that an earlier one removes is not called. An event without listeners
   * is ignored, even if it is not in the contract: the server's contract may be newer.
   *
   * @param name The event.
   * @param payload The payload, as it came over the wire.
   * @param meta The message's position in the history of a room.
   * @returns Whether the payload fits the contract. `true` if there is no listener.
   */
  dispatch(name: string, payload: unknown, meta?: RoomMeta): boolean {
    const listeners = this.#listeners.get(name);
    if (!listeners) return true;
    const { report, reportRepeated } = this.#settings;
    const info = { stage: "event", name } as const;
    try {
      const parsed = parseNow(this.#entry(name).payload!, payload, "payload of", name);
      callEach(listeners, (listener) => listener.call(parsed, meta), (error) => report(error, info));
      return true;
    } catch (error) {
      reportRepeated(error, info);
      return false;
    }
  }

  /**
   * Removes all listeners: no more events will come.
   *
   * @param cause The reason.
   */
  close(cause: HubError): void {
    this.#closed = cause;
    for (const fail of [...this.#waits]) fail(cause);
    for (const listeners of this.#listeners.values()) listeners.clear();
    this.#listeners.clear();
  }

  #entry(name: string): Entry {
    const entry = this.#surface.serverToClient.get(name);
    if (entry?.payload) return entry;
    const why = this.#surface.whyNot("event", name);
    throw new HubError("NOT_FOUND", `Cannot listen to the event "${name}": ${why}`);
  }
}

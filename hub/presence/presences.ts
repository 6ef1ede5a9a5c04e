/**
 * The presence of a hub, made of its parts.
 *
 * @module
 */

import { type Clock, type Contract, HubError, throwIfAborted } from "../../contract/mod.ts";
import type { HubErrorInfo } from "../api/options.ts";
import type { Connection } from "../connection/connection.ts";
import { Attendances, type StateOf } from "./attendances.ts";
import { PresenceHandle, type PresenceHandleParts } from "./handle.ts";
import { Leaving } from "./leaving.ts";
import { Listeners } from "./listeners.ts";
import { type NamedPlace, NamedPlaces } from "./named_places.ts";
import type { PresenceSource } from "./source.ts";
import { Watchers } from "./watchers.ts";
import { whoMessages } from "./who.ts";

/** The options of {@linkcode Presences}. */
export interface PresencesOptions {
  /** The contract. */
  readonly contract: Contract;
  /** The source of presence. */
  readonly source: PresenceSource;
  /** The clock. */
  readonly clock: Clock;
  /** The identity of this node. */
  readonly nodeId: string;
  /** The functions that return first states, by pattern. */
  readonly stateOf?: Readonly<Record<string, StateOf>>;
  /** How long a connection that has ended counts as present, in milliseconds. */
  readonly leaveAfterMs: number;
  /** How long to wait until all members are known, in milliseconds. After it, the known members are used. */
  readonly patienceMs: number;
  /** How long changes are gathered before they are sent to clients, in milliseconds. */
  readonly intervalMs: number;
  /** With more members, clients get only their number. */
  readonly maxListed: number;
  /** With a larger total size of members, in bytes, clients get only their number. */
  readonly maxListedBytes: number;
  /** Returns the channel of a topic, a role's own or a shared one. Throws when the topic does not exist. */
  topicChannel(name: string, role?: string): string;
  /** Finds a connection of this node. */
  find(id: string): Connection | undefined;
  /** Called when a connection has left a place. */
  left?(place: NamedPlace, conn: Connection): void;
  /** Called with errors that no caller gets. */
  onError(error: unknown, info: HubErrorInfo): void;
}

/** The presence of a hub. */
export class Presences {
  /** Which rooms and topics are places. */
  readonly places: NamedPlaces;
  /** The connections of this node in places. */
  readonly attendances: Attendances;
  /** The source of presence. */
  readonly source: PresenceSource;
  /** The connections that watch. */
  readonly watchers: Watchers;
  readonly #leaving: Leaving;
  readonly #listeners: Listeners;
  readonly #parts: PresenceHandleParts;
  readonly #options: PresencesOptions;
  #isKnown = false;
  #closed = false;
  /** The time of the clock from which on the known members are used, even if some are not known yet. */
  #deadline: number | undefined;

  /** @param options Its options. */
  constructor(options: PresencesOptions) {
    const { contract, source, topicChannel, left = () => {} } = options;
    this.#options = options;
    source.known.then(() => this.#isKnown = true, () => {});
    this.places = new NamedPlaces(contract, topicChannel);
    this.source = source;
    this.#leaving = new Leaving(options);
    this.attendances = new Attendances({
      ...options,
      stateOf: options.stateOf ?? {},
      places: this.places,
      leaving: this.#leaving,
      left,
    });
    this.watchers = new Watchers({ ...options, messages: whoMessages });
    this.#listeners = new Listeners(options);
    this.#parts = {
      source,
      listeners: this.#listeners,
      settled: (signal) => this.#settled(signal),
      set: (place, id, state) => this.attendances.set(place, options.find(id), state),
    };
  }

  /**
   * See `Hub.presence`.
   *
   * @throws {HubError} `NOT_FOUND`.
   */
  of(place: string | { readonly topic: string; readonly role?: string }): PresenceHandle {
    const named = typeof place === "object" && place !== null
      ? this.places.topic(place.topic, place.role)
      : this.places.room(place);
    return new PresenceHandle(named, this.#parts);
  }

  /**
   * Call it when the hub is open and knows the other nodes.
   *
   * @param waitMs How long to wait until all members are known, in milliseconds.
   */
  async start(waitMs: number): Promise<void> {
    await this.source.start();
    if (waitMs > 0) await this.#settled(undefined, waitMs);
  }

  /** Messages on these channels may have been missed; without `channels`, on all channels. */
  missed(channels?: readonly string[]): void {
    this.source.missed(channels);
  }

  /** Removes the connections of this node from all places, and ends all listeners. Never rejects. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#leaving.close();
    this.#listeners.close();
    this.watchers.close();
    await this.source.close();
  }

  async #settled(signal?: AbortSignal, waitMs?: number): Promise<void> {
    this.#check(signal);
    const { clock, patienceMs } = this.#options;
    const ms = Math.min((this.#deadline ??= clock.now() + patienceMs) - clock.now(), waitMs ?? patienceMs);
    if (this.#isKnown || ms <= 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const stop = clock.after(ms, resolve);
    const giveUp = () => resolve();
    signal?.addEventListener("abort", giveUp);
    await Promise.race([promise, this.source.known.catch(() => {})]);
    signal?.removeEventListener("abort", giveUp);
    stop();
    this.#check(signal);
  }

  #check(signal: AbortSignal | undefined): void {
    throwIfAborted(signal);
    if (this.#closed) throw new HubError("UNAVAILABLE", "Cannot list members: the hub is closed");
  }
}

/**
 * The presence of a hub: puts its parts together.
 *
 * @module
 */

import { type Clock, type Contract, HubError, throwIfAborted } from "../../contract/mod.ts";
import type { HubErrorInfo } from "../api/options.ts";
import { readName } from "../backplane/channels.ts";
import type { Connection } from "../connection/connection.ts";
import { Attendances, type StateOf } from "./attendances.ts";
import { PresenceHandle, type PresenceHandleParts } from "./handle.ts";
import { Leaving } from "./leaving.ts";
import { Listeners } from "./listeners.ts";
import { type NamedPlace, NamedPlaces } from "./named_places.ts";
import type { PresenceSource } from "./source.ts";
import { Watchers } from "./watchers.ts";
import { whoMessages } from "./who.ts";

/** What {@linkcode Presences} needs. */
export interface PresencesOptions {
  /** The contract. */
  readonly contract: Contract;
  /** Where it is known from who is where. */
  readonly source: PresenceSource;
  /** Where time comes from. */
  readonly clock: Clock;
  /** The identity of this node. */
  readonly nodeId: string;
  /** What gives the first states, by pattern. */
  readonly stateOf?: Readonly<Record<string, StateOf>>;
  /** How long a connection that is gone counts as present, in milliseconds. */
  readonly leaveAfterMs: number;
  /** How long to wait until everybody is known, in milliseconds; then whom is known has to do. */
  readonly patienceMs: number;
  /** How long changes are gathered before clients are told, in milliseconds. */
  readonly intervalMs: number;
  /** With more members clients are told only how many there are. */
  readonly maxListed: number;
  /** The same for how large they are together, in bytes. */
  readonly maxListedBytes: number;
  /** The channel of a topic, a role's own or a shared one. Throws when there is none of that name. */
  topicChannel(name: string, role?: string): string;
  /** A connection of this node. */
  find(id: string): Connection | undefined;
  /** A connection is not in a place any more. */
  left?(place: NamedPlace, conn: Connection): void;
  /** Reports an error that no caller receives. */
  onError(error: unknown, info: HubErrorInfo): void;
}

/** The presence of a hub. */
export class Presences {
  /** Which rooms and topics are places. */
  readonly places: NamedPlaces;
  /** Who of this node is where. */
  readonly attendances: Attendances;
  /** Where it is known from who is where. */
  readonly source: PresenceSource;
  /** The connections that watch. */
  readonly watchers: Watchers;
  readonly #leaving: Leaving;
  readonly #listeners: Listeners;
  readonly #parts: PresenceHandleParts;
  readonly #options: PresencesOptions;
  #isKnown = false;
  #closed = false;
  /** When whom is known has to do, by the clock. */
  #deadline: number | undefined;

  /** @param options What it needs. */
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
      set: (place, id, state) => this.attendances.set(place, options.find(readName(id, "connection")), state),
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
   * The hub is open, and the nodes that are there are known.
   *
   * @param waitMs How long to wait for what they know, in milliseconds.
   */
  async start(waitMs: number): Promise<void> {
    await this.source.start();
    if (waitMs > 0) await this.#settled(undefined, waitMs);
  }

  /** Messages of these channels may have been missed; of all where none are named. */
  missed(channels?: readonly string[]): void {
    this.source.missed(channels);
  }

  /** Nobody of this node is anywhere any more, and nobody listens. Never rejects. */
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

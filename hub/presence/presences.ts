/**
 * The presence of a hub: puts its parts together.
 *
 * @module
 */

import type { Clock, Contract } from "../../contract/mod.ts";
import type { HubErrorInfo } from "../api/options.ts";
import { readName } from "../backplane/channels.ts";
import type { Connection } from "../connection/connection.ts";
import { Attendances, type StateOf } from "./attendances.ts";
import { PresenceHandle } from "./handle.ts";
import { Leaving } from "./leaving.ts";
import { Listeners } from "./listeners.ts";
import { type NamedPlace, NamedPlaces } from "./named_places.ts";
import type { PresenceSource } from "./source.ts";

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
  readonly names: NamedPlaces;
  /** Who of this node is where. */
  readonly attendances: Attendances;
  readonly source: PresenceSource;
  readonly #leaving: Leaving;
  readonly #listeners: Listeners;
  readonly #find: PresencesOptions["find"];

  /** @param options What it needs. */
  constructor(options: PresencesOptions) {
    const { contract, source, topicChannel, find, left = () => {} } = options;
    this.names = new NamedPlaces(contract, topicChannel);
    this.source = source;
    this.#leaving = new Leaving(options);
    this.attendances = new Attendances({
      ...options,
      stateOf: options.stateOf ?? {},
      places: this.names,
      leaving: this.#leaving,
      left,
    });
    this.#listeners = new Listeners(options);
    this.#find = find;
  }

  /**
   * See `Hub.presence`.
   *
   * @throws {HubError} `NOT_FOUND`.
   */
  of(place: string | { readonly topic: string; readonly role?: string }): PresenceHandle {
    const named = typeof place === "object" && place !== null
      ? this.names.topic(place.topic, place.role)
      : this.names.room(place);
    return new PresenceHandle(named, {
      source: this.source,
      listeners: this.#listeners,
      set: (place, id, state) => this.attendances.set(place, this.#find(readName(id, "connection")), state),
    });
  }

  /** Nobody of this node is anywhere any more, and nobody listens. Never rejects. */
  async close(): Promise<void> {
    this.#leaving.close();
    this.#listeners.close();
    await this.source.close();
  }
}

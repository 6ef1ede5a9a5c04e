/**
 * Which rooms and topics are places: those with a name that fits a pattern in `presence` of the contract.
 *
 * @module
 */

import { type Contract, type DeclaredPresence, HubError, type PresencePlace } from "../../contract/mod.ts";
import { suggest } from "../../contract/options/suggest.ts";
import { readName, roomChannel, roomOf } from "../backplane/channels.ts";

/** A room or topic with presence in the contract. */
export interface NamedPlace {
  /** Its channel: its name inside the hub. */
  readonly channel: string;
  /** Its name. */
  readonly name: string;
  /** The parameters in its name. */
  readonly params: Readonly<Record<string, string>>;
  /** Its entry in the contract. */
  readonly declared: DeclaredPresence;
}

const TOPIC = /^topic(?:@[^:]*)?:/;

/** The rooms and topics with presence in a contract. */
export class NamedPlaces {
  readonly #contract: Contract;
  readonly #topicChannel: (name: string, role?: string) => string;

  /**
   * @param contract The contract.
   * @param topicChannel Returns the channel of a topic, a role's own or a shared one. Throws when the topic does not
   * exist.
   */
  constructor(contract: Contract, topicChannel: (name: string, role?: string) => string) {
    this.#contract = contract;
    this.#topicChannel = topicChannel;
  }

  /** The place of a channel; `undefined` if the channel has no presence. */
  ofChannel(channel: string): NamedPlace | undefined {
    const topic = TOPIC.exec(channel)?.[0];
    const name = topic === undefined ? roomOf(channel) : channel.slice(topic.length);
    return name === undefined ? undefined : this.#find(name, channel);
  }

  /**
   * The place of a room.
   *
   * @throws {HubError} `NOT_FOUND` when the contract keeps no presence of it.
   * @throws {TypeError} When the name is not text.
   */
  room(name: unknown): NamedPlace {
    const room = readName(name, "room");
    return this.#find(room, roomChannel(room)) ?? this.#fail("room", room);
  }

  /**
   * The place of a topic.
   *
   * @param name Its name.
   * @param role The role, for a role's own topic.
   * @throws {HubError} `NOT_FOUND` when there is no such topic, or the contract keeps no presence of it.
   * @throws {TypeError} When the name is not text.
   */
  topic(name: unknown, role?: string): NamedPlace {
    const topic = readName(name, "topic");
    return this.#find(topic, this.#topicChannel(topic, role)) ?? this.#fail("topic", topic);
  }

  /**
   * The place that a client names.
   *
   * @param place The room or topic, as the client named it.
   * @param role The client's role. It has its own topics and the shared ones.
   * @throws {HubError} `NOT_FOUND`. The text does not list the other places, because clients must not know them.
   */
  ofClient(place: PresencePlace, role: string): NamedPlace {
    const isRoom = typeof place === "string";
    const name = isRoom ? place : place.topic;
    const found = this.#find(name, isRoom ? roomChannel(name) : this.#topicChannel(name, role));
    if (found) return found;
    throw new HubError(
      "NOT_FOUND",
      `The contract keeps no presence of ${isRoom ? "room" : "topic"} "${name}"`,
    );
  }

  #find(name: string, channel: string): NamedPlace | undefined {
    const found = this.#contract.presence.find(name);
    return found && { channel, name, params: found.params, declared: found.value };
  }

  #fail(kind: string, name: string): never {
    const patterns = Object.keys(this.#contract.definition.presence ?? {});
    const hint = patterns.length === 0
      ? "declare `presence` in the contract"
      : `no pattern fits, ${suggest(name, patterns)}`;
    throw new HubError("NOT_FOUND", `The contract keeps no presence of ${kind} "${name}": ${hint}`);
  }
}

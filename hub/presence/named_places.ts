/**
 * Which rooms and topics are places: those whose name fits a pattern of the contract's presence.
 *
 * @module
 */

import { type Contract, type DeclaredPresence, HubError, type PresencePlace } from "../../contract/mod.ts";
import { suggest } from "../../contract/options/suggest.ts";
import { readName, roomChannel, roomOf } from "../backplane/channels.ts";

/** A room or topic of which the contract keeps presence. */
export interface NamedPlace {
  /** Its channel, by which it goes inside the hub. */
  readonly channel: string;
  /** Its name. */
  readonly name: string;
  /** The parameters in its name. */
  readonly params: Readonly<Record<string, string>>;
  /** How it was declared. */
  readonly declared: DeclaredPresence;
}

const TOPIC = /^topic(?:@[^:]*)?:/;

/** The rooms and topics of which a contract keeps presence. */
export class NamedPlaces {
  readonly #contract: Contract;
  readonly #topicChannel: (name: string, role?: string) => string;

  /**
   * @param contract The contract.
   * @param topicChannel The channel of a topic, a role's own or a shared one. Throws when there is none of that name.
   */
  constructor(contract: Contract, topicChannel: (name: string, role?: string) => string) {
    this.#contract = contract;
    this.#topicChannel = topicChannel;
  }

  /** The place of a channel, where it is one. */
  ofChannel(channel: string): NamedPlace | undefined {
    const topic = TOPIC.exec(channel)?.[0];
    const name = topic === undefined ? roomOf(channel) : channel.slice(topic.length);
    return name === undefined ? undefined : this.#find(name, channel);
  }

  /**
   * A room.
   *
   * @throws {HubError} `NOT_FOUND` when the contract keeps no presence of it.
   * @throws {TypeError} When the name is not text.
   */
  room(name: unknown): NamedPlace {
    const room = readName(name, "room");
    return this.#find(room, roomChannel(room)) ?? this.#fail("room", room);
  }

  /**
   * A topic.
   *
   * @param name Its name.
   * @param role The role whose own it is.
   * @throws {HubError} `NOT_FOUND` when there is no such topic, or the contract keeps no presence of it.
   * @throws {TypeError} When the name is not text.
   */
  topic(name: unknown, role?: string): NamedPlace {
    const topic = readName(name, "topic");
    return this.#find(topic, this.#topicChannel(topic, role)) ?? this.#fail("topic", topic);
  }

  /**
   * A room or topic that a client names.
   *
   * @param place What it names.
   * @param role Its role, which has topics of its own and the shared ones.
   * @throws {HubError} `NOT_FOUND`; what else there is, is not for clients to know.
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
      : `of its patterns none fits, ${suggest(name, patterns)}`;
    throw new HubError("NOT_FOUND", `The contract keeps no presence of ${kind} "${name}": ${hint}`);
  }
}

/**
 * The topics of a contract, by name and by channel.
 *
 * @module
 */

import {
  type Contract,
  hasLoneSurrogate,
  type HistoryDefinition,
  HubError,
  type PatternTable,
  type TopicEntry,
} from "../../contract/mod.ts";
import { topicChannel } from "../backplane/channels.ts";

/** A topic, by name. */
export interface Topic {
  /** Its name. */
  readonly name: string;
  /** The parameters in its name. */
  readonly params: Readonly<Record<string, string>>;
  /** How it was declared. */
  readonly entry: TopicEntry;
  /** Its channel on the backplane, and its group in the registry. */
  readonly channel: string;
  /** How much history it keeps, if it does. */
  readonly history: HistoryDefinition | undefined;
}

/** The topics of a contract. */
export class Catalog {
  /** Whether any topic keeps history. */
  readonly keepsHistory: boolean;
  readonly #contract: Contract;
  /** What was looked up last: messages of one topic come in rows. */
  #lastFound: { readonly role: string | undefined; readonly topic: Topic } | undefined;
  #lastHeard: Topic | undefined;

  /** @param contract The contract. */
  constructor(contract: Contract) {
    this.#contract = contract;
    const { shared, roles } = contract.definition;
    this.keepsHistory = [shared, ...Object.values(roles)]
      .some((part) => Object.values(part?.topics ?? {}).some(({ history }) => history));
  }

  /**
   * Finds a topic among those of a role (the shared ones included), or the shared ones.
   *
   * @throws {HubError} `NOT_FOUND`.
   * @throws {TypeError} When the name is no text.
   */
  find(name: string, role?: string): Topic {
    const last = this.#lastFound;
    if (last?.role === role && last?.topic.name === name) return last!.topic;
    const topic = this.#find(name, role);
    this.#lastFound = { role, topic };
    return topic;
  }

  /** Finds a topic by its channel. */
  byChannel(channel: string): Topic | undefined {
    if (this.#lastHeard?.channel === channel) return this.#lastHeard;
    const start = channel.indexOf(":");
    const name = channel.slice(start + 1);
    const [, role] = channel.slice(0, start).split("@");
    const surface = role === undefined
      ? this.#contract.shared
      : this.#contract.roles.get(decodeURIComponent(role));
    return this.#lastHeard = surface && lookUp(surface.topics, name);
  }

  #find(name: string, role: string | undefined): Topic {
    if (typeof name !== "string") {
      throw new TypeError(
        `Cannot find a topic by ${name === null ? "null" : typeof name}: give its name as text`,
      );
    }
    const surface = role === undefined ? this.#contract.shared : this.#contract.roles.get(role);
    const topic = surface && lookUp(surface.topics, name);
    if (topic && hasLoneSurrogate(name)) {
      throw new HubError(
        "BAD_REQUEST",
        "Cannot use a topic's name with half a surrogate pair: it cannot travel",
      );
    }
    if (topic) return topic;
    if (role !== undefined) throw new HubError("NOT_FOUND", `Role "${role}" has no topic "${name}"`);
    const owner = [...this.#contract.roles].find(([, { topics }]) => lookUp(topics, name))?.[0];
    const hint = owner === undefined ? "" : `: role "${owner}" has it, use hub.forRole("${owner}")`;
    throw new HubError("NOT_FOUND", `The contract has no shared topic "${name}"${hint}`);
  }
}

function lookUp(table: PatternTable<TopicEntry>, name: string): Topic | undefined {
  const found = table.find(name);
  if (!found) return undefined;
  const { params, value: entry } = found;
  return { name, params, entry, channel: topicChannel(name, entry.role), history: entry.definition.history };
}

/**
 * The topics of a contract, by name and by channel, and its rooms with history.
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
import { kindInAny, whyNot } from "../../contract/names/why_not.ts";
import { roomChannel, roomOf, topicChannel } from "../backplane/channels.ts";
import { forgetOldest } from "../connection/forget_oldest.ts";
import type { RecordForm } from "../groups/record_form.ts";
import { roomRecordSchema } from "../groups/room_records.ts";
import { TOPIC_FORM } from "./record.ts";

/** For how many room names it is remembered whether they keep history. */
const MAX_ROOMS = 4_096;
/** How many topics of one role are remembered, and how long their names may be: clients choose names, too. */
const MAX_TOPICS = 4_096;
const MAX_REMEMBERED_LENGTH = 256;
/** How many topics pass before a full half of the remembered ones changes, as a multiple of all that are remembered. */
const PASSED = 4;

/** A topic, or a room with history, by name. */
export interface Topic {
  /** Its name. */
  readonly name: string;
  /** The parameters in its name. */
  readonly params: Readonly<Record<string, string>>;
  /** Its entry in the contract. */
  readonly entry: TopicEntry;
  /** Its channel on the backplane, and its group in the registry. */
  readonly channel: string;
  /** How much history it keeps, if any. */
  readonly history: HistoryDefinition | undefined;
  /** The form of its messages. */
  readonly form: RecordForm;
}

/** A topic or room that keeps history. */
export interface HistoryTopic extends Topic {
  /** How much history it keeps. */
  readonly history: HistoryDefinition;
}

/** The topics of a contract. */
export class Catalog {
  /** Whether any topic keeps history. */
  readonly keepsHistory: boolean;
  readonly #contract: Contract;
  /** The last lookup, because messages of one topic often come in a row. */
  #lastFound: { readonly role: string | undefined; readonly topic: Topic } | undefined;
  #lastHeard: Topic | undefined;
  /** Earlier lookups, by role. */
  readonly #recent = new Map<string | undefined, RecentTopics>();
  readonly #roomForm: RecordForm;
  readonly #roomPayload: TopicEntry["definition"]["payload"];
  /** By name; `undefined` for rooms without history. */
  readonly #rooms = new Map<string, HistoryTopic | undefined>();

  /**
   * @param contract The contract.
   * @param roomForm The form of the messages of its rooms.
   */
  constructor(contract: Contract, roomForm: RecordForm) {
    this.#contract = contract;
    const { shared, roles } = contract.definition;
    this.keepsHistory = [shared, ...Object.values(roles)]
      .some((part) => Object.values(part?.topics ?? {}).some(({ history }) => history));
    this.#roomForm = roomForm;
    const sent = [...contract.roles.values()].flatMap(({ serverToClient }) => [...serverToClient]);
    this.#roomPayload = roomRecordSchema(new Map(sent));
  }

  /** Whether the contract has rooms that keep history. */
  get hasRooms(): boolean {
    return this.#contract.definition.rooms !== undefined;
  }

  /** Finds a room that keeps history. */
  room(name: string): HistoryTopic | undefined {
    const known = this.#rooms.get(name);
    if (known || this.#rooms.has(name)) return known;
    const found = this.#contract.rooms.find(name);
    const room = found && {
      name,
      params: found.params,
      entry: {
        pattern: found.value.pattern,
        role: undefined,
        definition: { payload: this.#roomPayload, history: found.value.history },
      },
      channel: roomChannel(name),
      history: found.value.history,
      form: this.#roomForm,
    };
    this.#rooms.set(name, room);
    forgetOldest(this.#rooms, MAX_ROOMS);
    return room;
  }

  /**
   * Finds a topic among the topics of a role and the shared ones; without `role`, among the shared ones.
   *
   * @throws {HubError} `NOT_FOUND`. `BAD_REQUEST` when the name is a pattern with parameters.
   * @throws {TypeError} When the name is not text.
   */
  find(name: string, role?: string): Topic {
    const last = this.#lastFound;
    if (last && last.role === role && last.topic.name === name) return last.topic;
    let recent = this.#recent.get(role);
    let topic = recent?.get(name);
    if (!topic) {
      const isShort = typeof name === "string" && name.length <= MAX_REMEMBERED_LENGTH;
      const isKept = isShort && recent?.hasRoom() !== false;
      topic = this.#find(isKept ? copied(name) : name, role);
      if (isKept) {
        if (!recent) this.#recent.set(role, recent = new RecentTopics());
        recent.add(topic);
      }
    }
    this.#lastFound = { role, topic };
    return topic;
  }

  /** Finds a topic, or a room with history, by its channel. */
  byChannel(channel: string): Topic | undefined {
    if (this.#lastHeard?.channel === channel) return this.#lastHeard;
    const room = roomOf(channel);
    if (room !== undefined) return this.room(room);
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
        "Cannot use a topic's name with half a surrogate pair: it cannot be sent",
      );
    }
    // Somebody who subscribes to it would wait for messages that nobody publishes there.
    if (topic?.entry.pattern === name && Object.keys(topic.params).length > 0) {
      throw new HubError(
        "BAD_REQUEST",
        `Cannot use the pattern "${name}" as a topic's name: write a value for each parameter, or use topic(pattern, params)`,
      );
    }
    if (topic) return topic;
    if (role !== undefined) throw new HubError("NOT_FOUND", `Role "${role}" has no topic "${name}"`);
    const owner = [...this.#contract.roles].find(([, { topics }]) => lookUp(topics, name))?.[0];
    const why = owner === undefined
      ? whyNot("topic", name, surface!, kindInAny(name, this.#contract))
      : `role "${owner}" has it, use hub.forRole("${owner}")`;
    throw new HubError("NOT_FOUND", `The contract has no shared topic "${name}": ${why}`);
  }
}

function lookUp(table: PatternTable<TopicEntry>, name: string): Topic | undefined {
  const found = table.find(name);
  if (!found) return undefined;
  const { params, value: entry } = found;
  const channel = topicChannel(name, entry.role);
  return { name, params, entry, channel, history: entry.definition.history, form: TOPIC_FORM };
}

/** A copy of a text. If the text is a part of a longer one, engines keep all of that in memory with it. */
const copied = (text: string): string => `-${text}`.slice(1);

/**
 * The topics that were looked up lately, by name. Publishes often go to some topics in turn. A topic that is known needs no
 * search, and the text of its channel has a hash already.
 *
 * It has two halves. When the younger one is full, it stays so for a while, and then becomes the older one, and the older one
 * is forgotten. So a program that publishes on more topics than it remembers still finds some of them, and seldom pays for
 * remembering others.
 */
class RecentTopics {
  #younger = new Map<string, Topic>();
  #older = new Map<string, Topic>();
  /** How many topics were not remembered since the younger half is full. */
  #passed = 0;

  get(name: string): Topic | undefined {
    return this.#younger.get(name) ?? this.#older.get(name);
  }

  /** Asks whether the next topic is to be remembered. */
  hasRoom(): boolean {
    if (this.#younger.size < MAX_TOPICS / 2) return true;
    if (++this.#passed < PASSED * MAX_TOPICS) return false;
    this.#passed = 0;
    this.#older = this.#younger;
    this.#younger = new Map();
    return true;
  }

  add(topic: Topic): void {
    this.#younger.set(topic.name, topic);
  }
}

/**
 * Topics: publishing, what arrives from other nodes, and history.
 *
 * @module
 */

import {
  type Contract,
  HubError,
  jsonCodec,
  parseNow,
  type PatternTable,
  type TopicEntry,
} from "../../contract/mod.ts";
import type { Backplane } from "../backplane/backplane.ts";
import { topicChannel } from "../backplane/channels.ts";
import { Histories, type HistoriesOptions, type Kept } from "./histories.ts";
import type { TopicLog } from "./topic_log.ts";
import type { HistoryPage, HistoryQuery, Published } from "../api/history.ts";
import { OutgoingMessage, type Urgency } from "../outbox/outgoing_message.ts";
import type { Registry } from "../groups/registry.ts";

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
}

/** What {@linkcode Topics} needs. */
export interface TopicsOptions extends Pick<HistoriesOptions, "clock" | "max"> {
  /** The contract. */
  readonly contract: Contract;
  /** Who subscribes. */
  readonly registry: Registry;
  /** The other nodes. */
  readonly backplane: Backplane;
}

/** The topics of a hub. */
export class Topics {
  readonly histories: Histories;
  readonly #contract: Contract;
  readonly #registry: Registry;
  readonly #backplane: Backplane;
  /** What was looked up last: messages of one topic come in rows. */
  #lastFound: { readonly role: string | undefined; readonly topic: Topic } | undefined;
  #lastHeard: Topic | undefined;

  /** @param options What it needs. */
  constructor({ contract, registry, backplane, clock, max }: TopicsOptions) {
    this.#contract = contract;
    this.#registry = registry;
    this.#backplane = backplane;
    this.histories = new Histories({
      interest: backplane.interest,
      clock,
      max,
      solitary: backplane.solitary,
      isUsed: (channel) => registry.members(channel).size > 0,
      onRenewed: (channel, log) => this.#tellGap(channel, log),
    });
    backplane.on("pub", ([, payload], _from, channel) => this.#receive(channel, payload));
    backplane.on("rec", ([, number, payload], from, channel) => {
      const history = this.#byChannel(channel)?.entry.definition.history;
      if (!history) return;
      this.histories.open(channel, history);
      this.histories.arrived(channel, from, number);
      this.#receive(channel, payload);
    });
  }

  /**
   * Finds a topic among those of a role (the shared ones included), or the shared ones.
   *
   * @throws {HubError} `NOT_FOUND`.
   */
  find(name: string, role?: string): Topic {
    const last = this.#lastFound;
    if (last?.role === role && last?.topic.name === name) return last!.topic;
    const topic = this.#find(name, role);
    this.#lastFound = { role, topic };
    return topic;
  }

  #find(name: string, role: string | undefined): Topic {
    const surface = role === undefined ? this.#contract.shared : this.#contract.roles.get(role);
    const topic = surface && lookUp(surface.topics, name);
    if (topic) return topic;
    const whose = role === undefined ? "The contract has no shared topic" : `Role "${role}" has no topic`;
    throw new HubError("NOT_FOUND", `${whose} "${name}"`);
  }

  /** Publishes; see `Hub.publish` and `RoleScope.publish`. */
  publish(topic: Topic, payload: unknown): Published | undefined {
    const { payload: schema } = topic.entry.definition;
    const parsed = parseNow(schema, payload, `topic "${topic.name}"`);
    const { channel, entry: { definition: { history } } } = topic;
    if (!history) {
      const send = this.#backplane.prepare(channel, ["pub", parsed]);
      this.#deliver(topic, parsed);
      return void send();
    }
    this.histories.open(channel, history);
    const { number, count } = this.histories.number(channel);
    const send = this.#backplane.prepare(channel, ["rec", number, parsed]);
    const published = this.#deliver(topic, parsed);
    count();
    send();
    return published;
  }

  /** Reads a topic's history; see `Hub.history`. */
  history(topic: Topic, query?: HistoryQuery): HistoryPage {
    const { history } = topic.entry.definition;
    if (!history) {
      throw new HubError("NOT_FOUND", `Topic "${topic.name}" keeps no history: declare it in the contract`);
    }
    const { records, ...page } = this.histories.open(topic.channel, history).read(query);
    return { ...page, records: records.map(({ offset, payload: { payload } }) => ({ offset, payload })) };
  }

  /** Delivers to the subscribers of this node, by way of the log where there is one. */
  #deliver(topic: Topic, parsed: unknown): Published | undefined {
    const { channel, name, entry } = topic;
    const { history, conflate } = entry.definition;
    if (!history) {
      this.#registry.deliver(
        channel,
        new OutgoingMessage(["pub", name, parsed], urgency(channel, parsed, conflate)),
      );
      return undefined;
    }
    const log = this.histories.open(channel, history);
    const message = new OutgoingMessage(["rec", name, log.position[1] + 1, parsed]);
    message.encoded(jsonCodec); // what cannot be encoded must not get into the log
    const published = log.append({ payload: parsed, message });
    this.#registry.deliver(channel, message);
    return published;
  }

  #receive(channel: string, payload: unknown): void {
    const topic = this.#byChannel(channel);
    if (!topic) return;
    try {
      this.#deliver(topic, parseNow(topic.entry.definition.payload, payload, `topic "${topic.name}"`));
    } catch (error) {
      this.histories.renew(channel); // where there is a log, what is dropped is missing from it
      throw error;
    }
  }

  #tellGap(channel: string, log: TopicLog<Kept>): void {
    const topic = this.#byChannel(channel);
    if (topic) this.#registry.deliver(channel, new OutgoingMessage(["gap", topic.name, log.position]));
  }

  #byChannel(channel: string): Topic | undefined {
    if (this.#lastHeard?.channel === channel) return this.#lastHeard;
    const start = channel.indexOf(":");
    const name = channel.slice(start + 1);
    const [, role] = channel.slice(0, start).split("@");
    const surface = role === undefined
      ? this.#contract.shared
      : this.#contract.roles.get(decodeURIComponent(role));
    return this.#lastHeard = surface && lookUp(surface.topics, name);
  }
}

function lookUp(table: PatternTable<TopicEntry>, name: string): Topic | undefined {
  const found = table.find(name);
  return found &&
    { name, params: found.params, entry: found.value, channel: topicChannel(name, found.value.role) };
}

/** Which message of a slow connection's makes an earlier one superfluous. */
function urgency(channel: string, payload: unknown, conflate: boolean | string | undefined): Urgency {
  if (!conflate) return DROPPABLE;
  if (conflate === true) return { droppable: true, conflateKey: channel };
  const value = (payload as Readonly<Record<string, unknown>> | null | undefined)?.[conflate];
  return { droppable: true, conflateKey: `${channel}\n${String(value)}` };
}

const DROPPABLE: Urgency = { droppable: true };

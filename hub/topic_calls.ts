/**
 * The calls for topics and rooms, by name and by pattern.
 *
 * @module
 */

import type { Contract } from "../contract/mod.ts";
import { fillDeclared, fillPattern } from "../contract/names/fill_pattern.ts";
import type { HistoryPage, HistoryQuery, Published, PublishOptions } from "./api/history.ts";
import type { AppCalls } from "./connection/app_calls.ts";
import { own, owning } from "./connection/own_errors.ts";
import type { Topic } from "./topics/catalog.ts";
import type { Topics } from "./topics/topics.ts";

/** Publishes on a topic that was found. */
export type PublishOn = (
  topic: Topic,
  payload: unknown,
  options?: PublishOptions,
) => Promise<Published> | void;

/** A topic to publish on, by name and without its types. */
interface Publisher {
  readonly name: string;
  publish(payload: unknown, options?: PublishOptions): Promise<Published> | void;
}

/** The calls that publish. */
interface PublishCalls {
  publish(name: string, payload: unknown, options?: PublishOptions): Promise<Published> | void;
  topic(pattern: string, params?: unknown): Publisher;
}

/**
 * Makes the calls that publish.
 *
 * @param contract The contract.
 * @param topics Its topics.
 * @param publishOn Publishes on a topic that was found.
 * @param role The role that owns the topics; without it the shared topics.
 */
export function publishCalls(
  contract: Contract,
  topics: Topics,
  publishOn: PublishOn,
  role?: string,
): PublishCalls {
  const { topics: declared } = role === undefined ? contract.shared : contract.roles.get(role)!;
  const publish: PublishCalls["publish"] = (name, payload, options) => {
    try {
      return publishOn(topics.find(name, role), payload, options);
    } catch (error) {
      throw own(error);
    }
  };
  return {
    publish,
    topic(pattern, params) {
      const { name } = owning(() => topics.find(fillDeclared(declared, pattern, params), role));
      return { name, publish: (payload, options) => publish(name, payload, options) };
    },
  };
}

/** The calls that publish on shared topics, and read them. */
interface TopicCalls extends PublishCalls {
  history(name: string, query?: HistoryQuery): Promise<HistoryPage>;
  position(name: string): Promise<Published>;
}

/**
 * Makes the calls that publish on shared topics, and read them.
 *
 * @param calls Runs the reads.
 * @param contract The contract.
 * @param topics Its topics.
 * @param publishOn Publishes on a topic that was found.
 */
export function topicCalls(
  calls: AppCalls,
  contract: Contract,
  topics: Topics,
  publishOn: PublishOn,
): TopicCalls {
  const { publish, topic } = publishCalls(contract, topics, publishOn);
  const { history, position } = topics.reader(calls);
  return {
    publish,
    history,
    position,
    topic(pattern, params) {
      const { name, publish } = topic(pattern, params);
      return {
        name,
        publish,
        history: (query?: HistoryQuery) => history(name, query),
        position: () => position(name),
      };
    },
  };
}

/**
 * The name of a room, from a name or a pattern.
 *
 * @param name The name or the pattern.
 * @param params The parameters, when `name` is a pattern.
 */
export function roomName(name: string, params: unknown): string {
  return params === undefined ? name : fillPattern<string>(name, ...[params] as unknown as []);
}

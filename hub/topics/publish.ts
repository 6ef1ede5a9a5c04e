/**
 * A publish, as the application calls it.
 *
 * @module
 */

import type { Published, PublishOptions } from "../api/history.ts";
import type { AppCalls } from "../connection/app_calls.ts";
import type { Topic } from "./catalog.ts";
import { readPublishOptions } from "./history_options.ts";
import type { Topics } from "./topics.ts";

/**
 * Publishes a message. On a topic with history, returns a promise, which also carries all errors.
 *
 * @param calls Runs the publish on a topic with history.
 * @param topics The topics.
 * @param topic The topic.
 * @param payload The payload.
 * @param given The options, as the application gave them.
 */
export function publish(
  calls: AppCalls,
  topics: Topics,
  topic: Topic,
  payload: unknown,
  given?: PublishOptions,
): Promise<Published> | void {
  if (!topic.history) {
    if (given === undefined) return void topics.publish(topic, payload);
    const { id, tx } = readPublishOptions(given)!;
    if (id === undefined && !tx) return void topics.publish(topic, payload);
    throw new TypeError(
      `Cannot publish on "${topic.name}" ${
        tx
          ? "within a transaction: the topic keeps no history"
          : "with an id: the topic keeps no history, so it cannot find the id again"
      }`,
    );
  }
  return calls.run(topic.name, () => topics.publish(topic, payload, readPublishOptions(given))!);
}

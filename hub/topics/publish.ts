/**
 * A publish as users call it.
 *
 * @module
 */

import type { Published, PublishOptions } from "../api/history.ts";
import type { Topic } from "./catalog.ts";
import { readPublishOptions } from "./history_options.ts";
import type { Topics } from "./topics.ts";

/**
 * Publishes; a topic with history answers with a promise, of its errors too.
 *
 * @param topics The topics.
 * @param topic Where.
 * @param payload What.
 * @param given What the user gave as options.
 */
export function publish(
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
          : "with an id: the topic keeps no history that knows which were there"
      }`,
    );
  }
  try {
    return Promise.resolve(topics.publish(topic, payload, readPublishOptions(given))!);
  } catch (error) {
    return Promise.reject(error);
  }
}

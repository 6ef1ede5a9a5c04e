/**
 * Reads a topic's history from the server.
 *
 * @module
 */

import {
  asHistoryAnswer,
  type HistoryAnswer,
  type HistoryAsk,
  HubError,
  parseNow,
  type Schema,
} from "../../contract/mod.ts";
import type { HistoryQuery, TopicHistoryPage } from "../api/mod.ts";
import type { Connection } from "../connection.ts";
import type { Requests } from "../requests.ts";

/** A server of an older version would end the connection for good. */
function check({ welcome }: Connection): void {
  if (!welcome?.history) {
    throw new HubError("UNAVAILABLE", "Cannot read a history: the hub is too old");
  }
}

/**
 * Reads a page.
 *
 * @param requests Sends the request, at once or when there is a link.
 * @param topic The topic. It must be subscribed.
 * @param payload Which messages to read.
 * @returns The page, as it came over the wire.
 * @throws {HubError} `UNAVAILABLE` when the server is too old, `BAD_REQUEST` when the answer is not a page, the
 * server's own error, or `TIMEOUT`.
 */
export async function readHistory(
  requests: Requests,
  topic: string,
  payload: HistoryAsk,
): Promise<HistoryAnswer> {
  return asHistoryAnswer(await requests.ask({ kind: "hist", name: topic, payload, check }));
}

/**
 * Reads a page for the application.
 *
 * @param query Which messages to read.
 * @param read Sends the request.
 * @param schema The schema that checks the messages.
 * @param topic The topic, for errors.
 */
export async function readPage(
  { since, limit, reverse }: HistoryQuery,
  read: (ask: HistoryAsk) => Promise<HistoryAnswer>,
  schema: Schema,
  topic: string,
): Promise<TopicHistoryPage> {
  const { position: [epoch, last], complete, records, more = false } = await read({
    since: since && [since.epoch, since.offset],
    limit: limit! > 1e15 ? undefined : limit, // no history has more
    reverse,
  });
  return {
    epoch,
    last,
    complete,
    more,
    records: records.map(([offset, payload]) => ({
      offset,
      payload: parseNow(schema, payload, "payload of", topic),
    })),
  };
}

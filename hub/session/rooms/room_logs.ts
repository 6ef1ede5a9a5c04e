/**
 * Keeps the broadcasts to rooms with history, and reads them.
 *
 * @module
 */

import { readHistoryQuery } from "../../../contract/history/history_query.ts";
import { readOptions } from "../../../contract/options/read_options.ts";
import type { HistoryQuery, Published } from "../../api/history.ts";
import type { HistoryBroadcastOptions, RoomHistoryPage } from "../../api/room.ts";
import { readName } from "../../backplane/channels.ts";
import type { Events } from "../../groups/events.ts";
import { type RoomRecord, roomRecord } from "../../groups/room_records.ts";
import { BROADCAST, type RoomHistories } from "../../groups/rooms.ts";
import type { HistoryTopic } from "../../topics/histories.ts";
import { PUBLISH } from "../../topics/history_options.ts";
import type { Topics } from "../../topics/topics.ts";

const KEPT_BROADCAST = { ...BROADCAST, ...PUBLISH };

/** The histories of rooms. */
export class RoomLogs implements RoomHistories {
  readonly #topics: Topics;
  readonly #events: Events;

  /**
   * @param topics The topics and rooms with history.
   * @param events Checks the events.
   */
  constructor(topics: Topics, events: Events) {
    this.#topics = topics;
    this.#events = events;
  }

  keeps(room: string): boolean {
    return this.#topics.room(room) !== undefined;
  }

  broadcast(
    name: string,
    event: string,
    payload: unknown,
    options: HistoryBroadcastOptions = {},
  ): Published | Promise<Published> {
    const { except, ...publish } = readOptions("broadcast", options, KEPT_BROADCAST);
    const leftOut = except ? readName(except.id, "connection to leave out") : null;
    const record = roomRecord(leftOut, event, this.#events.parse(event, payload));
    return this.#topics.keep(this.#room(name), record, publish);
  }

  async history(name: string, query: HistoryQuery | undefined): Promise<RoomHistoryPage> {
    const page = await this.#topics.history(this.#room(name), readHistoryQuery(query));
    const records = page.records.map(({ offset, payload: kept }) => {
      const [, event, payload] = kept as RoomRecord;
      return { offset, event, payload };
    });
    return { ...page, records };
  }

  async position(name: string): Promise<Published> {
    return await this.#topics.position(this.#room(name));
  }

  #room(name: string): HistoryTopic {
    return this.#topics.room(name)!;
  }
}

/**
 * Into rooms with history, and out of them: whoever comes back is sent what it missed, once the server lets it in again.
 *
 * @module
 */

import type { HistoryAddOptions } from "../../api/room.ts";
import { type Clock, isHubError, type RoomState, type Start } from "../../../contract/mod.ts";
import { REWIND } from "../../../contract/history/history_query.ts";
import { bag, optional, readOptions } from "../../../contract/options/read_options.ts";
import type { AdapterStage } from "../../../adapters/adapter.ts";
import type { Connection } from "../../connection/connection.ts";
import type { Registry } from "../../groups/registry.ts";
import type { RoomEntrance } from "../../groups/rooms.ts";
import { OutgoingMessage } from "../../outbox/outgoing_message.ts";
import type { SharedRecord } from "../../outbox/shared_record.ts";
import type { HistoryTopic } from "../../topics/histories.ts";
import type { Topics } from "../../topics/topics.ts";
import { catchUp } from "../catch_up.ts";
import type { Gate } from "../gate.ts";
import { Permits } from "../permits.ts";

/** How many histories of rooms are read for one connection at the same time. */
const MAX_READERS = 4;

const ADD = { rewind: optional(bag(REWIND)) };

/** What {@linkcode KeptRooms} needs. */
export interface KeptRoomsOptions {
  /** Where histories are. */
  readonly topics: Topics;
  /** Who is in what. */
  readonly registry: Registry;
  /** How many histories may be read at the same time. */
  readonly reads: Gate;
  /** Where time comes from. */
  readonly clock: Clock;
  /** Reports an error that no caller receives. */
  onError(
    error: unknown,
    info: { readonly stage: AdapterStage; readonly channel?: string; readonly connectionId?: string },
  ): void;
}

/** Lets connections into rooms that keep history. */
export class KeptRooms implements RoomEntrance {
  readonly #options: KeptRoomsOptions;
  /** Who reads histories for whom. */
  readonly #permits = new WeakMap<Connection, Permits>();

  /** @param options What they need. */
  constructor(options: KeptRoomsOptions) {
    this.#options = options;
  }

  add(name: string, conn: Connection, options?: HistoryAddOptions): Promise<void> {
    const { registry, onError } = this.#options;
    const room = this.#room(name);
    const first = firstStart(readOptions("add", options, ADD).rewind);
    const begun = Promise.withResolvers<void>();
    const joined = registry.joinWhen(
      room.channel,
      conn,
      (enter) => this.#enter(room, conn, first, enter, begun.resolve),
    );
    // Nothing is sent before the welcome, which may wait for this: the client catches up when it is welcome.
    if (!conn.outbox.corked) return joined;
    let waits = true;
    begun.promise.then(() => waits = false);
    joined.catch((error) => {
      if (waits || isHubError(error) && error.code === "DISCONNECTED") return;
      onError(error, { stage: "delivery", channel: room.channel, connectionId: conn.id });
    });
    return Promise.race([joined, begun.promise]);
  }

  remove(name: string, conn: Connection): void {
    const { channel } = this.#room(name);
    const knows = conn.past?.positions.delete(name) === true;
    const isIn = conn.memberships?.has(channel) === true;
    this.#options.registry.leave(channel, conn);
    if (conn.recovers && (isIn || knows)) conn.outbox.push(new OutgoingMessage(["room", name]));
  }

  #room(name: string): HistoryTopic {
    return this.#options.topics.room(name)!;
  }

  /** Sends what a client missed that was in before, and lets it in. */
  async #enter(
    room: HistoryTopic,
    conn: Connection,
    first: Start | undefined,
    enter: () => void,
    begun: () => void,
  ): Promise<void> {
    const { topics: { histories }, reads, clock, onError } = this.#options;
    const { name, channel } = room;
    const { past, outbox } = conn;
    const membership = conn.memberships?.get(channel);
    const isOver = () => conn.closed || conn.memberships?.get(channel) !== membership;
    const since = past?.positions.get(name);
    const start = since ? { since } : past && first;
    const tell = (state: RoomState) => past && outbox.push(new OutgoingMessage(["room", name, state]));
    const earlier = [conn.id, ...past?.earlier ?? []];
    await catchUp({
      topic: room,
      start,
      histories,
      outbox,
      permits: this.#permitsOf(conn),
      reads,
      clock,
      charge() {}, // once for each room that it names, of which there are few
      isOver,
      shown: (message) => shown(message as SharedRecord, conn, earlier),
      followed: begun,
      begin: (position) => tell({ position, past: true }),
      finish: ({ position, recovered }) => {
        past?.positions.delete(name);
        tell(start ? { position, recovered } : { position });
        enter();
      },
      onError: (error) => onError(error, { stage: "delivery", channel, connectionId: conn.id }),
    });
  }

  #permitsOf(conn: Connection): Permits {
    let permits = this.#permits.get(conn);
    if (!permits) this.#permits.set(conn, permits = new Permits(MAX_READERS));
    return permits;
  }
}

/** What a connection is shown of a record: only the offset, where it is not for it, or was not for one of its earlier ones. */
function shown(record: SharedRecord, conn: Connection, earlier: readonly string[]): OutgoingMessage {
  const { event, except, hidden } = record;
  const isFor = (except === null || !earlier.includes(except)) && conn.surface.serverToClient.has(event);
  return isFor ? record : hidden;
}

/** Where somebody begins who comes for the first time. */
function firstStart(
  rewind: { readonly last?: number; readonly sinceMs?: number } | undefined,
): Start | undefined {
  const { last, sinceMs: withinMs } = rewind ?? {};
  if (!rewind) return undefined;
  if ((last === undefined) !== (withinMs === undefined)) return { last, withinMs };
  throw new TypeError("Cannot add a connection to a room: give one of rewind.last and rewind.sinceMs");
}

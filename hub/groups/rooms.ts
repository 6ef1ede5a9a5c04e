/**
 * Rooms: groups of connections that the server manages.
 *
 * @module
 */

import { HubError } from "../../contract/mod.ts";
import { type Kind, optional, readOptions, type Rows, wrong } from "../../contract/options/read_options.ts";
import { idOf, readName, roomChannel } from "../backplane/channels.ts";
import { own, owning } from "../connection/own_errors.ts";
import type { AppCalls } from "../connection/app_calls.ts";
import type { Found } from "../api/cluster.ts";
import type { Connection } from "../connection/connection.ts";
import { OutgoingMessage } from "../outbox/outgoing_message.ts";
import type { Events } from "./events.ts";
import type { Registry } from "./registry.ts";
import type { HistoryQuery, Published } from "../api/history.ts";
import type {
  BroadcastOptions,
  HistoryAddOptions,
  HistoryBroadcastOptions,
  RoomAnswers,
  RoomHistoryPage,
  RoomRequestOptions,
} from "../api/room.ts";

const connection: Kind<{ readonly id: string }> = (value, place) => {
  if (typeof (value as { readonly id?: unknown } | null)?.id === "string") {
    return value as { readonly id: string };
  }
  throw wrong(value, place, "a connection to leave out");
};

/** The options of every broadcast. */
export const BROADCAST = { except: optional(connection) } satisfies Rows<BroadcastOptions>;

/** The rooms that keep history. Its methods take only names of such rooms, except `keeps`. */
export interface RoomHistories {
  /** Whether a room keeps history. */
  keeps(room: string): boolean;
  /** See `HistoryRoom.broadcast`. */
  broadcast(
    room: string,
    event: string,
    payload: unknown,
    options?: HistoryBroadcastOptions,
  ): Published | Promise<Published>;
  /** See `HistoryRoom.history`. */
  history(room: string, query: HistoryQuery | undefined): Promise<RoomHistoryPage>;
  /** See `HistoryRoom.position`. */
  position(room: string): Promise<Published>;
}

/** Adds connections to rooms that keep history, and removes them. */
export interface RoomEntrance {
  /** See `HistoryRoom.add`. */
  add(room: string, conn: Connection, options?: HistoryAddOptions): Promise<void>;
  /** See `HistoryRoom.remove`. */
  remove(room: string, conn: Connection): void;
}

/** The options of {@linkcode Rooms}. */
export interface RoomsOptions {
  /** The groups of this node and their members. */
  readonly registry: Registry;
  /** Sends events. */
  readonly events: Events;
  /** Runs the calls of the application. */
  readonly calls: AppCalls;
  /** Finds a connection of this node. */
  find(id: string): Connection | undefined;
  /** Finds the members of a room, on all nodes. */
  membersOf(room: string): Promise<Found>;
  /** Sends a request to all members of a room; see `RoomQuestions.request`. Absent in an emitter. */
  ask?(
    room: string,
    name: string,
    input: unknown,
    options?: RoomRequestOptions,
  ): Promise<RoomAnswers<unknown>>;
  /** The rooms that keep history; absent if no room keeps history. */
  readonly histories: RoomHistories | undefined;
  /** Adds connections to rooms that keep history. Absent in an emitter. */
  readonly entrance?: RoomEntrance;
}

/** A room by its name. It is cheap to make, because handlers make one for every message. */
class RoomHandle {
  readonly name: string;
  readonly #rooms: Rooms;
  readonly #options: RoomsOptions;

  constructor(name: string, rooms: Rooms, options: RoomsOptions) {
    this.name = readName(name, "room");
    this.#rooms = rooms;
    this.#options = options;
  }

  add(conn: { readonly id: string }, options?: HistoryAddOptions): Promise<void> {
    return this.#options.calls.run(this.name, () => this.#rooms.add(this.name, conn, options));
  }

  remove(conn: { readonly id: string }): void {
    this.#rooms.remove(this.name, conn);
  }

  broadcast(event: string, payload: unknown, options?: BroadcastOptions): Promise<Published> | void {
    const { calls, events, histories } = this.#options;
    if (!histories?.keeps(this.name)) {
      try {
        return events.toRoom(this.name, event, payload, excepted(options));
      } catch (error) {
        throw own(error);
      }
    }
    return calls.run(this.name, () => histories.broadcast(this.name, event, payload, options));
  }

  history(query?: HistoryQuery): Promise<RoomHistoryPage> {
    return this.#options.calls.run(this.name, () => this.#kept().history(this.name, query));
  }

  position(): Promise<Published> {
    return this.#options.calls.run(this.name, () => this.#kept().position(this.name));
  }

  request(name: string, input: unknown, options?: RoomRequestOptions): Promise<RoomAnswers<unknown>> {
    const { ask, calls } = this.#options;
    return calls.run(name, () => ask!(this.name, name, input, options), options);
  }

  members(): Promise<Found> {
    return this.#options.membersOf(this.name);
  }

  #kept(): RoomHistories {
    const { histories } = this.#options;
    if (histories?.keeps(this.name)) return histories;
    throw noHistory(this.name);
  }
}

/** The rooms of a hub. */
export class Rooms {
  readonly #options: RoomsOptions;

  /** @param options Its options. */
  constructor(options: RoomsOptions) {
    this.#options = options;
  }

  /** Puts a connection into a room; see `Room.add`. */
  async add(room: string, given: { readonly id: string }, options?: HistoryAddOptions): Promise<void> {
    const { registry, find, histories, entrance } = this.#options;
    const id = idOf(given);
    const conn = find(id);
    if (!conn) {
      throw new HubError(
        "DISCONNECTED",
        `Cannot add connection ${id} to "${room}": it is gone, or on another node (for that use hub.cluster.join)`,
      );
    }
    if (entrance && histories?.keeps(room)) return await entrance.add(room, conn, options);
    if (options?.rewind) throw noHistory(room);
    await registry.join(roomChannel(room), conn, conn.rejoins ? () => tellIn(conn, room) : undefined);
  }

  /** Takes a connection out of a room; see `Room.remove`. */
  remove(room: string, given: { readonly id: string }): void {
    const { registry, find, histories, entrance } = this.#options;
    const conn = find(idOf(given));
    if (!conn) return;
    const isComing = conn.rejoining?.leave(room) === true;
    const wasIn = conn.isIn(roomChannel(room));
    if (entrance && histories?.keeps(room)) entrance.remove(room, conn);
    else registry.leave(roomChannel(room), conn);
    if ((wasIn || isComing) && conn.rejoins) conn.outbox.pushOwn(new OutgoingMessage(["out", room]));
  }

  /** See `Hub.room`. */
  room(name: string): RoomHandle {
    return new RoomHandle(name, this, this.#options);
  }

  /** See `Hub.rooms`. */
  rooms(names: readonly string[]): {
    broadcast(event: string, payload: unknown, options?: BroadcastOptions): void;
  } {
    const { events, histories } = this.#options;
    if (!Array.isArray(names)) {
      throw wrong(names, { owner: "rooms", path: "names" }, "a list of the names of rooms");
    }
    const distinct = [...new Set(names)];
    for (const name of distinct) {
      const room = readName(name, "room");
      if (histories?.keeps(room)) {
        throw new TypeError(
          `Cannot send to several rooms at once: "${name}" keeps history. A member of two rooms gets one copy, and one copy ` +
            `cannot have an offset in both. Send to this room alone: hub.room("${name}").broadcast(…)`,
        );
      }
    }
    return {
      broadcast: (event, payload, options) =>
        owning(() => events.toRooms(distinct, event, payload, excepted(options))),
    };
  }
}

/** Whether options hold `except` alone: broadcasts are frequent, so this common case skips the full check. */
function isRight(options: BroadcastOptions | null): boolean {
  for (const name in options) if (name !== "except") return false;
  return typeof options?.except?.id === "string";
}

/**
 * The id of the connection that a broadcast leaves out; `undefined` without the option.
 *
 * @throws {TypeError} When `except` is not a connection: else the broadcast would reach the connection to leave out.
 */
function excepted(options: BroadcastOptions | undefined): string | undefined {
  if (options === undefined) return undefined;
  const { except } = isRight(options) ? options : readOptions("broadcast", options, BROADCAST);
  return except && readName(except.id, "connection to leave out");
}

/**
 * Tells a client that it is in a room, so that it can rejoin the room after a reconnect.
 *
 * @param conn The client.
 * @param room The room.
 */
export function tellIn(conn: Connection, room: string): void {
  if (conn.rejoins) conn.outbox.pushOwn(new OutgoingMessage(["in", room]));
}

function noHistory(room: string): HubError {
  return new HubError(
    "NOT_FOUND",
    `Room "${room}" keeps no history: declare it in \`rooms\` of the contract`,
  );
}

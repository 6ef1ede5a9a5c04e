/**
 * Rooms: groups of connections that the server manages.
 *
 * @module
 */

import { HubError } from "../../contract/mod.ts";
import { type Kind, optional, readOptions, type Rows, wrong } from "../../contract/options/read_options.ts";
import { readName, roomChannel } from "../backplane/channels.ts";
import type { Found } from "../api/cluster.ts";
import type { Connection } from "../connection/connection.ts";
import type { Events } from "./events.ts";
import type { Registry } from "./registry.ts";
import type { BroadcastOptions } from "../api/hub.ts";

const connection: Kind<{ readonly id: string }> = (value, place) => {
  if (typeof (value as { readonly id?: unknown } | null)?.id === "string") {
    return value as { readonly id: string };
  }
  throw wrong(value, place, "a connection to leave out");
};

const BROADCAST = { except: optional(connection) } satisfies Rows<BroadcastOptions>;

/** What {@linkcode Rooms} needs. */
export interface RoomsOptions {
  /** Who is in what. */
  readonly registry: Registry;
  /** What they are sent. */
  readonly events: Events;
  /** A connection of this node. */
  find(id: string): Connection | undefined;
  /** Who is in a room, on all nodes. */
  membersOf(room: string): Promise<Found>;
}

/** A room by its name: cheap to make, because handlers make one for every message. */
class RoomHandle {
  readonly name: string;
  readonly #rooms: Rooms;
  readonly #options: RoomsOptions;

  constructor(name: string, rooms: Rooms, options: RoomsOptions) {
    this.name = readName(name, "room");
    this.#rooms = rooms;
    this.#options = options;
  }

  add(conn: { readonly id: string }): Promise<void> {
    return this.#rooms.add(this.name, conn?.id);
  }

  remove(conn: { readonly id: string }): void {
    this.#rooms.remove(this.name, conn?.id);
  }

  broadcast(event: string, payload: unknown, options?: BroadcastOptions): void {
    this.#options.events.toRoom(this.name, event, payload, excepted(options));
  }

  members(): Promise<Found> {
    return this.#options.membersOf(this.name);
  }
}

/** The rooms of a hub. */
export class Rooms {
  readonly #options: RoomsOptions;

  /** @param options What it needs. */
  constructor(options: RoomsOptions) {
    this.#options = options;
  }

  /** Puts a connection into a room; see `Room.add`. */
  async add(room: string, id: string): Promise<void> {
    const { registry, find } = this.#options;
    const conn = find(readName(id, "connection"));
    if (!conn) {
      throw new HubError("DISCONNECTED", `Cannot add connection ${id} to "${room}": it is not on this node`);
    }
    await registry.join(roomChannel(room), conn);
  }

  /** Takes a connection out of a room; see `Room.remove`. */
  remove(room: string, id: string): void {
    const conn = this.#options.find(readName(id, "connection"));
    if (conn) this.#options.registry.leave(roomChannel(room), conn);
  }

  /** See `Hub.room`. */
  room(name: string): RoomHandle {
    return new RoomHandle(name, this, this.#options);
  }

  /** See `Hub.rooms`. */
  rooms(names: readonly string[]): {
    broadcast(event: string, payload: unknown, options?: BroadcastOptions): void;
  } {
    const { events } = this.#options;
    if (!Array.isArray(names)) {
      throw wrong(names, { owner: "rooms", path: "names" }, "a list of the names of rooms");
    }
    const distinct = [...new Set(names)];
    for (const name of distinct) readName(name, "room");
    return {
      broadcast: (event, payload, options) => events.toRooms(distinct, event, payload, excepted(options)),
    };
  }
}

/** Whether options hold a connection to leave out and nothing else: a broadcast is too frequent to read them in full. */
function isRight(options: BroadcastOptions | null): boolean {
  for (const name in options) if (name !== "except") return false;
  return typeof options?.except?.id === "string";
}

/**
 * Whom a broadcast leaves out; nobody where the option is absent.
 *
 * @throws {TypeError} When what is given is no connection: then it would reach the one that it should not.
 */
function excepted(options: BroadcastOptions | undefined): string | undefined {
  if (options === undefined) return undefined;
  const { except } = isRight(options) ? options : readOptions("broadcast", options, BROADCAST);
  return except && readName(except.id, "connection to leave out");
}

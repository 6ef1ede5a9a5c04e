/**
 * Rooms: groups of connections that the server manages.
 *
 * @module
 */

import { HubError } from "../../contract/mod.ts";
import { roomChannel } from "../backplane/channels.ts";
import type { Found } from "../api/cluster.ts";
import type { Connection } from "../connection/connection.ts";
import type { Events } from "./events.ts";
import type { Registry } from "./registry.ts";
import type { BroadcastOptions } from "../api/hub.ts";

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
    this.name = name;
    this.#rooms = rooms;
    this.#options = options;
  }

  add({ id }: { readonly id: string }): Promise<void> {
    return this.#rooms.add(this.name, id);
  }

  remove({ id }: { readonly id: string }): void {
    this.#rooms.remove(this.name, id);
  }

  broadcast(event: string, payload: unknown, options?: BroadcastOptions): void {
    this.#options.events.toRoom(this.name, event, payload, options?.except?.id);
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
    const conn = find(id);
    if (!conn) {
      throw new HubError("DISCONNECTED", `Cannot add connection ${id} to "${room}": it is not on this node`);
    }
    await registry.join(roomChannel(room), conn);
  }

  /** Takes a connection out of a room; see `Room.remove`. */
  remove(room: string, id: string): void {
    const conn = this.#options.find(id);
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
    const distinct = [...new Set(names)];
    return {
      broadcast: (event, payload, { except } = {}) => events.toRooms(distinct, event, payload, except?.id),
    };
  }
}

/**
 * Rooms: groups of connections that the server manages.
 *
 * @module
 */

import { HubError } from "../contract/mod.ts";
import { roomChannel } from "./channels.ts";
import type { Connection } from "./connection.ts";
import type { Events } from "./events.ts";
import type { Registry } from "./registry.ts";
import type { BroadcastOptions } from "./types.ts";

/** What {@linkcode Rooms} needs. */
export interface RoomsOptions {
  /** Who is in what. */
  readonly registry: Registry;
  /** What they are sent. */
  readonly events: Events;
  /** A connection of this node. */
  find(id: string): Connection | undefined;
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
    await registry.join(roomChannel(room), conn, () => conn.rooms.add(room));
  }

  /** Takes a connection out of a room; see `Room.remove`. */
  remove(room: string, id: string): void {
    const conn = this.#options.find(id);
    if (!conn) return;
    conn.rooms.delete(room);
    this.#options.registry.leave(roomChannel(room), conn);
  }

  /** See `Hub.room`. */
  room(name: string): {
    readonly name: string;
    add(conn: { readonly id: string }): Promise<void>;
    remove(conn: { readonly id: string }): void;
    broadcast(event: string, payload: unknown, options?: BroadcastOptions): void;
  } {
    const { events } = this.#options;
    return {
      name,
      add: ({ id }) => this.add(name, id),
      remove: ({ id }) => this.remove(name, id),
      broadcast: (event, payload, { except } = {}) => events.toRoom(name, event, payload, except?.id),
    };
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

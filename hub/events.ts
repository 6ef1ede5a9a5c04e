/**
 * Events to rooms, roles, users and single connections, on this node and on the others.
 *
 * @module
 */

import { type Contract, type Entry, HubError, parseNow } from "../contract/mod.ts";
import type { Backplane } from "./backplane.ts";
import { roleChannel, roomChannel, userChannel } from "./channels.ts";
import type { Connection } from "./connection.ts";
import type { Audience } from "./group.ts";
import { Outgoing } from "./outgoing.ts";
import type { Registry } from "./registry.ts";

/** How many messages to several rooms are remembered at the most, twice over. */
const MAX_REMEMBERED = 4_096;

/** The group of a user's connections. */
export const userGroup = (user: string): string => `who:${user}`;

/** What {@linkcode Events} needs. */
export interface EventsOptions {
  /** The contract. */
  readonly contract: Contract;
  /** Who is in what. */
  readonly registry: Registry;
  /** The other nodes. */
  readonly backplane: Backplane;
  /** A connection of this node. */
  find(id: string): Connection | undefined;
}

/** The events of a hub. */
export class Events {
  readonly #registry: Registry;
  readonly #backplane: Backplane;
  readonly #find: (id: string) => Connection | undefined;
  readonly #entries = new Map<string, Entry>();
  readonly #shared: ReadonlyMap<string, Entry>;
  /** Messages to several rooms that have arrived over one of them; the older half is forgotten first. */
  #remembered = new Set<string>();
  #rememberedBefore = new Set<string>();

  /** @param options What it needs. */
  constructor({ contract, registry, backplane, find }: EventsOptions) {
    this.#registry = registry;
    this.#backplane = backplane;
    this.#find = find;
    this.#shared = contract.shared.serverToClient;
    for (const surface of contract.roles.values()) {
      for (const [name, entry] of surface.serverToClient) this.#entries.set(name, entry);
    }
    backplane.on("ev", ([, name, except, payload], _from, channel) => {
      this.#deliver(channel, name, this.parse(name, payload), except);
    });
    backplane.on("evs", ([, id, rooms, name, except, payload]) => {
      if (!this.#remembers(id)) this.#deliverAll(rooms, name, this.parse(name, payload), except);
    });
    backplane.on("user", ([, user, name, payload]) => {
      if (this.#registry.members(userGroup(user)).size > 0) {
        this.#deliver(userGroup(user), name, this.parse(name, payload));
      }
    });
  }

  /**
   * Checks an event.
   *
   * @throws {HubError} `NOT_FOUND`, `VALIDATION`.
   */
  parse(name: string, payload: unknown): unknown {
    const { payload: schema } = this.#entries.get(name) ?? {};
    if (!schema) {
      throw new HubError("NOT_FOUND", `Cannot send event "${name}": the contract has none of that name`);
    }
    return parseNow(schema, payload, `event "${name}"`);
  }

  /**
   * Finds a request to clients; one of that name is the same for all roles.
   *
   * @throws {HubError} `NOT_FOUND`.
   */
  question(name: string): Entry {
    const entry = this.#entries.get(name);
    if (entry?.input) return entry;
    throw new HubError("NOT_FOUND", `Cannot send request "${name}": the contract has none of that name`);
  }

  /** To a room, on every node. */
  toRoom(room: string, name: string, payload: unknown, except?: string): void {
    const parsed = this.parse(name, payload);
    const channel = roomChannel(room);
    const send = this.#backplane.prepare(channel, ["ev", name, except ?? null, parsed]);
    this.#deliver(channel, name, parsed, except);
    send();
  }

  /** To several rooms, one copy for whoever is in many of them. */
  toRooms(rooms: readonly string[], name: string, payload: unknown, except?: string): void {
    const parsed = this.parse(name, payload);
    const id = crypto.randomUUID();
    const channels = rooms.map(roomChannel);
    const sends = channels.map((channel) =>
      this.#backplane.prepare(channel, ["evs", id, rooms, name, except ?? null, parsed])
    );
    this.#deliverAll(rooms, name, parsed, except);
    this.#backplane.flush(channels); // a node takes the first copy, which must not come before earlier broadcasts
    for (const send of sends) send();
  }

  /** To a role, on every node. */
  toRole(role: string, name: string, payload: unknown): void {
    const parsed = this.parse(name, payload);
    const send = this.#backplane.prepare(roleChannel(role), ["ev", name, null, parsed]);
    this.#deliver(roleChannel(role), name, parsed);
    send();
  }

  /** To a user's connections, on every node. */
  toUser(user: string, name: string, payload: unknown): void {
    const parsed = this.parse(name, payload);
    const send = this.#backplane.prepare(userChannel(user), ["user", user, name, parsed]);
    this.#deliver(userGroup(user), name, parsed);
    send();
  }

  /** Forgets the older half of what has arrived; call it at least as rarely as copies of one message may lag. */
  sweep(): void {
    this.#rememberedBefore = this.#remembered;
    this.#remembered = new Set();
  }

  #deliver(group: string, name: string, parsed: unknown, except?: string | null): void {
    this.#registry.deliver(group, outgoing(name, parsed), this.#audience(name, except));
  }

  #deliverAll(rooms: readonly string[], name: string, parsed: unknown, except?: string | null): void {
    const message = outgoing(name, parsed);
    const { event, except: excepted } = this.#audience(name, except) ?? {};
    const reached = new Set<Connection>();
    for (const room of rooms) {
      for (const conn of this.#registry.members(roomChannel(room))) {
        if (reached.has(conn) || conn === excepted) continue;
        if (event !== undefined && !conn.surface.serverToClient.has(event)) continue;
        reached.add(conn);
        conn.outbox.push(message);
      }
    }
  }

  /** Whom an event is for: not the excepted one, and only roles that have it. */
  #audience(name: string, except: string | undefined | null): Audience | undefined {
    const event = this.#shared.has(name) ? undefined : name;
    if (event === undefined && !except) return undefined;
    return { event, except: except ? this.#find(except) : undefined };
  }

  #remembers(id: string): boolean {
    if (this.#remembered.has(id) || this.#rememberedBefore.has(id)) return true;
    this.#remembered.add(id);
    if (this.#remembered.size >= MAX_REMEMBERED) this.sweep();
    return false;
  }
}

function outgoing(name: string, parsed: unknown): Outgoing {
  return new Outgoing(["ev", name, parsed], { droppable: true });
}

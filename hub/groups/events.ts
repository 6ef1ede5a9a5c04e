/**
 * Events to rooms, roles, users and single connections, on this node and on the others.
 *
 * @module
 */

import { type Contract, type Entry, HubError } from "../../contract/mod.ts";
import { kindInAny, whyNot } from "../../contract/names/why_not.ts";
import type { Backplane } from "../backplane/backplane.ts";
import { encodeBus } from "../backplane/bus_wire.ts";
import { CLUSTER_CHANNEL, roleChannel, roomChannel, userChannel, userGroup } from "../backplane/channels.ts";
import type { Connection } from "../connection/connection.ts";
import { Copies } from "./copies.ts";
import { Event } from "./event.ts";
import type { Audience } from "./group.ts";
import type { Outbox } from "../outbox/outbox.ts";
import type { OutgoingMessage } from "../outbox/outgoing_message.ts";
import { pushToSome } from "../outbox/tape.ts";
import type { Turn } from "../outbox/turn.ts";
import type { Registry } from "./registry.ts";

/** Up to this many rooms, a broadcast goes over the channel of each room. For more rooms, one copy goes to every node. */
const MAX_COPIES = 64;

/** The options of {@linkcode Events}. */
export interface EventsOptions {
  /** The contract. */
  readonly contract: Contract;
  /** The groups of this node and their members. */
  readonly registry: Registry;
  /** The backplane. */
  readonly backplane: Backplane;
  /** Finds a connection of this node. */
  find(id: string): Connection | undefined;
  /**
   * Checks a plain broadcast of another node to a room. Absent if no room of the contract keeps history.
   *
   * @throws {HubError} When the room keeps history.
   */
  checkPlain?(channel: string, from: string): void;
}

/** The events of a hub. */
export class Events {
  readonly #registry: Registry;
  readonly #backplane: Backplane;
  readonly #find: (id: string) => Connection | undefined;
  /** Events, and requests to clients. */
  readonly #entries = new Map<string, Entry>();
  readonly #events = new Map<string, Event>();
  readonly #contract: Contract;
  readonly #copies = new Copies();

  /** @param options Its options. */
  constructor({ contract, registry, backplane, find, checkPlain }: EventsOptions) {
    this.#registry = registry;
    this.#backplane = backplane;
    this.#find = find;
    this.#contract = contract;
    for (const surface of contract.roles.values()) {
      for (const [name, entry] of surface.serverToClient) {
        this.#entries.set(name, entry);
        const isShared = contract.shared.serverToClient.has(name);
        if (entry.payload) this.#events.set(name, new Event(name, entry.payload, isShared));
      }
    }
    backplane.on("ev", ([, name, except, payload], from, channel) => {
      checkPlain?.(channel, from);
      const event = this.#event(name);
      this.#deliver(channel, event, event.parse(payload), except);
    });
    backplane.on("evs", ([, id, rooms, name, except, payload], _from, channel) => {
      if (this.#copies.has(id)) {
        const copied = this.#copies.take(id, channel);
        if (copied) {
          this.#spread(copied.message, [channel], this.#audience(this.#event(name), except), copied.reached);
        }
        return;
      }
      const isOnly = channel === CLUSTER_CHANNEL; // for all of the rooms
      if (!isOnly) this.#copies.add(id); // before it is parsed, so that a malformed message is reported once
      const event = this.#event(name);
      const message = event.message(event.parse(payload));
      const audience = this.#audience(event, except);
      if (isOnly) return this.#spread(message, rooms.map(roomChannel), audience);
      const others = rooms.map(roomChannel).filter((other) =>
        other !== channel && this.#registry.members(other).size > 0
      );
      if (others.length === 0) return this.#registry.deliver(channel, message, audience);
      const reached = new Set<Connection>();
      this.#copies.add(id, { message, reached, awaited: new Set(others) });
      this.#spread(message, [channel], audience, reached);
    });
    backplane.on("user", ([, user, name, payload]) => {
      if (this.#registry.members(userGroup(user)).size > 0) {
        const event = this.#event(name);
        this.#deliver(userGroup(user), event, event.parse(payload));
      }
    });
  }

  /**
   * Checks an event.
   *
   * @throws {HubError} `NOT_FOUND`, `VALIDATION`.
   */
  parse(name: string, payload: unknown): unknown {
    return this.#event(name).parse(payload);
  }

  /**
   * Finds a request to clients by its name. A name means the same request in all roles.
   *
   * @throws {HubError} `NOT_FOUND`.
   */
  question(name: string): Entry {
    const entry = this.#entries.get(name);
    if (entry?.input) return entry;
    throw this.#unknown("request to clients", name);
  }

  /** Sends an event to a room, on every node. */
  toRoom(room: string, name: string, payload: unknown, except?: string): void {
    const event = this.#event(name);
    const parsed = event.parse(payload);
    const channel = roomChannel(room);
    if (this.#backplane.solitary) {
      this.#deliver(channel, event, parsed, except);
      return this.#backplane.toNobody(channel);
    }
    const carried = encodeBus(["ev", name, except ?? null, parsed]);
    this.#backplane.check(channel, carried);
    if (this.#registry.has(channel)) this.#deliver(channel, event, parsed, except);
    this.#backplane.enqueue(channel, carried);
  }

  /** Sends an event to several rooms. A connection that is in several of them gets one copy. */
  toRooms(rooms: readonly string[], name: string, payload: unknown, except?: string): void {
    const event = this.#event(name);
    const parsed = event.parse(payload);
    const id = crypto.randomUUID();
    const groups = rooms.map(roomChannel);
    // Every copy names all rooms, so with many rooms the traffic would grow with the square of their number.
    const channels = rooms.length > MAX_COPIES ? [CLUSTER_CHANNEL] : groups;
    const send = this.#backplane.prepareAll(channels, ["evs", id, rooms, name, except ?? null, parsed]);
    this.#spread(event.message(parsed), groups, this.#audience(event, except));
    this.#backplane.flush(groups); // a member of several rooms takes the first copy: earlier broadcasts must go first
    send();
  }

  /** Sends an event to a role, on every node. */
  toRole(role: string, name: string, payload: unknown): void {
    const event = this.#event(name);
    const parsed = event.parse(payload);
    if (!this.#contract.roles.get(role)?.serverToClient.has(name)) {
      throw new HubError("NOT_FOUND", `Cannot send event "${name}": role "${role}" has none of that name`);
    }
    const send = this.#backplane.prepare(roleChannel(role), ["ev", name, null, parsed]);
    this.#deliver(roleChannel(role), event, parsed);
    send();
  }

  /** Sends an event to a user's connections, on every node. */
  toUser(user: string, name: string, payload: unknown): void {
    const event = this.#event(name);
    const parsed = event.parse(payload);
    const send = this.#backplane.prepare(userChannel(user), ["user", user, name, parsed]);
    this.#deliver(userGroup(user), event, parsed);
    send();
  }

  /** Forgets old copies. The time between two calls must be longer than the copies of one message can lag. */
  sweep(): void {
    this.#copies.sweep();
  }

  /** @throws {HubError} `NOT_FOUND`. */
  #event(name: string): Event {
    const event = this.#events.get(name);
    if (event) return event;
    throw this.#unknown("event", name);
  }

  #unknown(kind: "event" | "request to clients", name: string): HubError {
    const { shared } = this.#contract;
    const why = whyNot(
      kind,
      name,
      { ...shared, serverToClient: this.#entries },
      kindInAny(name, this.#contract),
    );
    return new HubError("NOT_FOUND", `Cannot send ${kind} "${name}": ${why}`);
  }

  #deliver(group: string, event: Event, parsed: unknown, except?: string | null): void {
    this.#registry.deliver(group, event.message(parsed), this.#audience(event, except));
  }

  /** Sends a message to the members of the groups, except those that have got it. */
  #spread(
    message: OutgoingMessage,
    groups: readonly string[],
    { event, except }: Audience = {},
    reached: Set<Connection> = new Set(),
  ): void {
    const byTurn = new Map<Turn, Outbox[]>();
    for (const group of groups) {
      for (const conn of this.#registry.members(group)) {
        if (reached.has(conn)) continue;
        if (event !== undefined && !conn.surface.serverToClient.has(event)) continue;
        reached.add(conn);
        const { outbox } = conn;
        const others = byTurn.get(outbox.turn);
        if (others) others.push(outbox);
        else byTurn.set(outbox.turn, [outbox]);
      }
    }
    // Encode with every codec first: if one fails, nobody gets the message.
    for (const { codec } of byTurn.keys()) message.encoded(codec);
    for (const [turn, outboxes] of byTurn) pushToSome(message, outboxes, turn, except?.outbox);
  }

  /** The audience of an event: only roles that have it, without the excepted connection. */
  #audience({ audience }: Event, except: string | undefined | null): Audience | undefined {
    return except ? { event: audience?.event, except: this.#find(except) } : audience;
  }
}

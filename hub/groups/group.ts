/**
 * Connections that are addressed together: a room's members, a topic's subscribers, a role's or a user's connections.
 *
 * @module
 */

import type { Surface } from "../../contract/mod.ts";
import type { Connection } from "../connection/connection.ts";
import type { OutgoingMessage } from "../outbox/outgoing_message.ts";
import type { SharedRecord } from "../outbox/shared_record.ts";
import { Tape } from "../outbox/tape.ts";

/** Which members of a group get a message. */
export interface Audience {
  /** Only members whose role has this event; left out if every role has it. */
  readonly event?: string;
  /** This connection does not get it. */
  readonly except?: Connection;
}

/** The members of a group. */
export interface ReadonlyGroup extends Iterable<Connection> {
  /** The number of members. */
  readonly size: number;
  /** Whether a connection is a member. */
  has(conn: Connection): boolean;
}

/**
 * A group of connections. A hub has many groups. To save memory, a group shares its data between members, or uses short
 * arrays.
 */
export class Group implements ReadonlyGroup {
  /** One tape per turn. There is one turn per codec and transport, so these are few. */
  readonly #tapes: Tape<Connection>[] = [];
  /** The number of members per surface and per `recovers`: whether a member takes records of rooms. */
  readonly #surfaces: { readonly surface: Surface; readonly recovers: boolean; count: number }[] = [];

  get size(): number {
    let size = 0;
    for (const { members } of this.#tapes) size += members.size;
    return size;
  }

  has(conn: Connection): boolean {
    return this.#tapeOf(conn)?.members.has(conn) === true;
  }

  *[Symbol.iterator](): Iterator<Connection> {
    for (const { members } of this.#tapes) yield* members;
  }

  /** Adds a connection, once. */
  add(conn: Connection): void {
    let tape = this.#tapeOf(conn);
    if (!tape) this.#tapes.push(tape = new Tape(conn.outbox.turn));
    if (!tape.add(conn)) return;
    const known = this.#surfaces[this.#kindOf(conn)];
    if (known) known.count++;
    else this.#surfaces.push({ surface: conn.surface, recovers: conn.recovers, count: 1 });
  }

  /** Removes a connection. Earlier messages are still sent to it. Returns whether it was a member. */
  delete(conn: Connection): boolean {
    const tape = this.#tapeOf(conn);
    if (!tape?.delete(conn)) return false;
    if (tape.members.size === 0) this.#tapes.splice(this.#tapes.indexOf(tape), 1);
    const at = this.#kindOf(conn);
    if (--this.#surfaces[at]!.count === 0) this.#surfaces.splice(at, 1);
    return true;
  }

  /**
   * Sends a message to the members.
   *
   * @param message The message.
   * @param audience Which members get it; left out for all.
   * @throws {HubError} `BAD_REQUEST` when the message cannot be encoded.
   */
  deliver(message: OutgoingMessage, { event, except }: Audience = {}): void {
    // Encode with every codec first: if one fails, no member gets the message.
    for (const { turn } of this.#tapes) message.encoded(turn.codec);
    if (event === undefined || this.#allHear(event)) {
      this.#push(message, except);
      return;
    }
    const hears = (conn: Connection) => conn.surface.serverToClient.has(event);
    for (const tape of this.#tapes) tape.pushTo(message, hears, except?.outbox);
  }

  /**
   * Sends a record of a room to the members. A member that must not see the event gets a record with the offset alone.
   * A member without support for histories gets a plain event.
   *
   * @param record The record.
   * @param except The connection that must not see the event.
   * @throws {HubError} `BAD_REQUEST` when the record cannot be encoded.
   */
  deliverRecord(record: SharedRecord, except?: Connection): void {
    for (const { turn } of this.#tapes) record.encoded(turn.codec);
    const { event } = record;
    const hears = (conn: Connection) => conn.surface.serverToClient.has(event);
    if (this.#surfaces.every(({ recovers }) => recovers) && this.#allHear(event)) {
      this.#push(record, except);
    } else {
      for (const tape of this.#tapes) {
        tape.pushTo(record, (conn) => conn.recovers && hears(conn), except?.outbox);
        tape.pushTo(record.hidden, (conn) => conn.recovers && !hears(conn));
        tape.pushTo(record.plain, (conn) => !conn.recovers && hears(conn), except?.outbox);
      }
    }
    // As a message of its own: so it stays with the others.
    if (except?.recovers && hears(except) && this.has(except)) except.outbox.pushOwn(record.hidden);
  }

  /** Sends a message to all members but one. */
  #push(message: OutgoingMessage, except: Connection | undefined): void {
    for (const tape of this.#tapes) tape.push(message, except?.outbox);
  }

  // Loops, and not `find`: every connection passes here when it comes, and a function costs its compilation too.

  #kindOf({ surface, recovers }: Connection): number {
    const surfaces = this.#surfaces;
    for (let i = 0; i < surfaces.length; i++) {
      const known = surfaces[i]!;
      if (known.surface === surface && known.recovers === recovers) return i;
    }
    return -1;
  }

  #tapeOf({ outbox: { turn } }: Connection): Tape<Connection> | undefined {
    for (const tape of this.#tapes) if (tape.turn === turn) return tape;
    return undefined;
  }

  #allHear(event: string): boolean {
    for (const { surface } of this.#surfaces) if (!surface.serverToClient.has(event)) return false;
    return true;
  }
}

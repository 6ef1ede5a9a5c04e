/**
 * Connections that are addressed together: a room's members, a topic's subscribers, a role's or a user's connections.
 *
 * @module
 */

import type { Surface } from "../contract/mod.ts";
import type { Connection } from "./connection.ts";
import type { Outgoing } from "./outgoing.ts";
import { Tape } from "./tape.ts";
import type { Turn } from "./turn.ts";

/** Whom a message is for, among the members of a group. */
export interface Audience {
  /** Only those whose role has this event; left out for what every role has. */
  readonly event?: string;
  /** Not this one. */
  readonly except?: Connection;
}

/** A group of connections. */
export class Group {
  readonly #members = new Set<Connection>();
  readonly #tapes = new Map<Turn, Tape>();
  /** What the members' roles may hear, and how many members have each. */
  readonly #surfaces = new Map<Surface, number>();

  /** Who is in. */
  get members(): ReadonlySet<Connection> {
    return this.#members;
  }

  /** Takes a connection in, once. */
  add(conn: Connection): void {
    if (this.#members.has(conn)) return;
    this.#members.add(conn);
    this.#surfaces.set(conn.surface, (this.#surfaces.get(conn.surface) ?? 0) + 1);
    const { turn } = conn.outbox;
    let tape = this.#tapes.get(turn);
    if (!tape) this.#tapes.set(turn, tape = new Tape(turn));
    tape.add(conn.outbox);
  }

  /** Lets a connection go; what it was sent before still leaves. Tells whether it was in. */
  delete(conn: Connection): boolean {
    if (!this.#members.delete(conn)) return false;
    const others = this.#surfaces.get(conn.surface)! - 1;
    if (others > 0) this.#surfaces.set(conn.surface, others);
    else this.#surfaces.delete(conn.surface);
    const { turn } = conn.outbox;
    const tape = this.#tapes.get(turn)!;
    tape.delete(conn.outbox);
    if (tape.size === 0) this.#tapes.delete(turn);
    return true;
  }

  /**
   * Sends a message to the members.
   *
   * @param message The message.
   * @param audience Whom it is for; left out for all.
   * @throws {HubError} `BAD_REQUEST` when the message cannot be encoded.
   */
  deliver(message: Outgoing, { event, except }: Audience = {}): void {
    if (event === undefined || this.#allHear(event)) {
      for (const tape of this.#tapes.values()) tape.push(message, except?.outbox);
      return;
    }
    for (const conn of this.#members) {
      if (conn !== except && conn.surface.serverToClient.has(event)) conn.outbox.push(message);
    }
  }

  #allHear(event: string): boolean {
    for (const surface of this.#surfaces.keys()) if (!surface.serverToClient.has(event)) return false;
    return true;
  }
}

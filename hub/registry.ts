/**
 * Who is in what on this node: rooms, topics, roles and users are groups of connections, each with a channel of the
 * backplane that the node listens to while the group has members.
 *
 * @module
 */

import { HubError } from "../contract/mod.ts";
import type { Connection } from "./connection.ts";
import { type Audience, Group } from "./group.ts";
import type { Interest } from "./interest.ts";
import type { Outgoing } from "./outgoing.ts";

/** A connection's place in a group, from the moment it asks. */
export interface Membership {
  /** Resolves when it is in and the channel is live; rejects when that fails or it left meanwhile. */
  readonly ready: Promise<void>;
  /** Gives the channel back. */
  release(): void;
}

/** A membership that many connections share. */
interface Enrolment extends Membership {
  count: number;
}

const NOBODY: ReadonlySet<Connection> = new Set();

/** The groups of this node. */
export class Registry {
  readonly #interest: Interest;
  readonly #groups = new Map<string, Group>();
  readonly #enrolments = new Map<string, Enrolment>();

  /** @param interest The channels that this node listens to. */
  constructor(interest: Interest) {
    this.#interest = interest;
  }

  /** How many groups have members. */
  get size(): number {
    return this.#groups.size;
  }

  /** The names of the groups that have members. */
  names(): IterableIterator<string> {
    return this.#groups.keys();
  }

  /** Who is in a group. */
  members(group: string): ReadonlySet<Connection> {
    return this.#groups.get(group)?.members ?? NOBODY;
  }

  /**
   * Puts a connection into a group whose name is its channel. A second call waits for the first.
   *
   * @param group The group.
   * @param conn The connection.
   * @param onLive Called in the moment when it is in, before anything can be delivered to it from the group.
   * @returns Rejects with `DISCONNECTED` when it leaves before the channel is live, or with the subscribe's error:
   * then it is not in.
   */
  join(group: string, conn: Connection, onLive?: () => void): Promise<void> {
    const known = conn.memberships.get(group);
    if (known) return known.ready;
    if (conn.closed) return Promise.reject(gone(group));
    const lease = this.#interest.acquire(group);
    const { promise: ready, resolve, reject } = Promise.withResolvers<void>();
    ready.catch(() => {}); // whoever called sees it
    const membership: Membership = {
      ready,
      release() {
        reject(gone(group)); // at once: nobody waits for the backplane to hear that it was left
        lease.release();
      },
    };
    conn.memberships.set(group, membership);
    const stays = () => conn.memberships.get(group) === membership;
    lease.ready.then(() => {
      if (!stays()) return;
      onLive?.();
      this.#enter(group, conn);
      resolve();
    }).catch((error) => {
      reject(error);
      if (stays()) this.leave(group, conn);
    });
    return ready;
  }

  /**
   * Puts a connection into a group at once, whatever the state of its channel, which is tried for until it leaves.
   *
   * @param group The group.
   * @param channel The channel, which several groups may share.
   * @param conn The connection.
   * @returns Resolves when the channel is live, or its first subscribe has failed.
   */
  enrol(group: string, channel: string, conn: Connection): Promise<void> {
    const membership = this.#enrolments.get(group) ?? this.#enrolment(group, channel);
    membership.count++;
    conn.memberships.set(group, membership);
    this.#enter(group, conn);
    return membership.ready;
  }

  /** Takes a connection out of a group; whoever waits for its `join` is told. */
  leave(group: string, conn: Connection): void {
    const membership = conn.memberships.get(group);
    if (!membership) return;
    conn.memberships.delete(group);
    const left = this.#groups.get(group);
    left?.delete(conn);
    if (left?.members.size === 0) this.#groups.delete(group);
    membership.release();
  }

  /** Takes a connection out of everything. */
  leaveAll(conn: Connection): void {
    for (const group of [...conn.memberships.keys()]) this.leave(group, conn);
  }

  /**
   * Sends a message to the members of a group.
   *
   * @param group The group.
   * @param message The message.
   * @param audience Whom it is for; left out for all.
   * @throws {HubError} `BAD_REQUEST` when the message cannot be encoded.
   */
  deliver(group: string, message: Outgoing, audience?: Audience): void {
    this.#groups.get(group)?.deliver(message, audience);
  }

  /** The one membership of all who are enrolled in a group: with many connections, one each would cost too much. */
  #enrolment(group: string, channel: string): Enrolment {
    const { settled, release } = this.#interest.keep(channel);
    const enrolment: Enrolment = {
      ready: settled,
      count: 0,
      release: () => {
        if (--enrolment.count > 0) return;
        this.#enrolments.delete(group);
        release();
      },
    };
    this.#enrolments.set(group, enrolment);
    return enrolment;
  }

  #enter(name: string, conn: Connection): void {
    let group = this.#groups.get(name);
    if (!group) this.#groups.set(name, group = new Group());
    group.add(conn);
  }
}

function gone(group: string): HubError {
  return new HubError("DISCONNECTED", `Left "${group}" before it was live`);
}

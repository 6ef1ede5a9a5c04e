/**
 * The groups of this node and their members. Rooms, topics, roles and users are groups of connections. Each group has a
 * channel of the backplane; the node listens to it while the group has members.
 *
 * @module
 */

import { HubError } from "../../contract/mod.ts";
import type { Membership } from "../connection/membership.ts";
import type { Connection } from "../connection/connection.ts";
import { roomOf } from "../backplane/channels.ts";
import { type Audience, Group, type ReadonlyGroup } from "./group.ts";
import type { Interest } from "../backplane/interest.ts";
import type { OutgoingMessage } from "../outbox/outgoing_message.ts";
import type { SharedRecord } from "../outbox/shared_record.ts";
import { SmallMap } from "../connection/small_map.ts";

/** A listener for the members of one group. Must not throw. */
export interface Attendance {
  /** Called when a connection is in, and its join cannot fail any more. */
  entered(conn: Connection): void;
  /**
   * Called when a connection that was in has left.
   *
   * @param conn The connection.
   * @param gone Whether the connection has ended. Else it left the group, or was removed from it.
   */
  left(conn: Connection, gone: boolean): void;
}

/** The callbacks of a {@linkcode Registry}. */
export interface RegistryEvents {
  /** Called when the last connection has released a group's channel. */
  onReleased?(group: string): void;
  /** Returns the listener for a group's members. Called once, when the first connection begins to join. */
  attendanceOf?(group: string): Attendance | undefined;
}

/** What all members of a group share, such as the channel's subscription. One share per member would cost too much. */
class Shared implements Membership {
  readonly live = true;
  readonly ready: Promise<void>;
  /** The name of the group; the same text for all members. */
  readonly group: string;
  /** The listener for the group's members. */
  readonly attendance: Attendance | undefined;
  readonly #all: Map<string, Shared>;
  readonly #giveBack: () => void;
  readonly #onReleased: (group: string) => void;
  #holders = 0;
  #settled = false;

  constructor(
    all: Map<string, Shared>,
    group: string,
    { ready, release }: { readonly ready: Promise<void>; release(): void },
    { onReleased, attendanceOf }: RegistryEvents = {},
  ) {
    this.ready = ready;
    this.#all = all;
    this.group = group;
    this.attendance = attendanceOf?.(group);
    this.#giveBack = release;
    this.#onReleased = onReleased ?? (() => {});
    all.set(group, this);
    ready.then(() => this.#settled = true, () => this.#close()); // the next join starts a new one
  }

  get room(): string | undefined {
    return roomOf(this.group);
  }

  /** Whether `ready` has resolved, so that a new member need not wait. */
  get settled(): boolean {
    return this.#settled;
  }

  hold(): this {
    this.#holders++;
    return this;
  }

  release(): void {
    if (--this.#holders > 0) return;
    this.#close();
    this.#giveBack();
    this.#onReleased(this.group);
  }

  #close(): void {
    if (this.#all.get(this.group) === this) this.#all.delete(this.group);
  }
}

/** The membership of a connection that waits for a group's channel. */
class Joining implements Membership {
  readonly live = false;
  readonly ready: Promise<void>;
  readonly shared: Shared;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;

  constructor(shared: Shared) {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    promise.catch(() => {}); // the caller gets it
    this.ready = promise;
    this.resolve = resolve;
    this.reject = reject;
    this.shared = shared;
  }

  get room(): string | undefined {
    return this.shared.room;
  }

  release(): void {
    this.reject(gone(this.shared.group)); // at once, without waiting for the backplane
    this.shared.release();
  }
}

const NOBODY: ReadonlyGroup = new Set();

const IN = Promise.resolve();

/** The groups of this node. */
export class Registry {
  readonly #interest: Interest;
  readonly #events: RegistryEvents;
  readonly #groups = new Map<string, Group>();
  readonly #shared = new Map<string, Shared>();

  /**
   * @param interest The channels that this node listens to.
   * @param events Its callbacks.
   */
  constructor(interest: Interest, events: RegistryEvents = {}) {
    this.#interest = interest;
    this.#events = events;
  }

  /** How many groups have members. */
  get size(): number {
    return this.#groups.size;
  }

  /** The names of the groups that have members. */
  names(): IterableIterator<string> {
    return this.#groups.keys();
  }

  /** Whether a connection is in a group, or is joining it. */
  holds(group: string): boolean {
    return this.#shared.has(group);
  }

  /** Whether a group has members. */
  has(group: string): boolean {
    return this.#groups.has(group);
  }

  /** The members of a group. */
  members(group: string): ReadonlyGroup {
    return this.#groups.get(group) ?? NOBODY;
  }

  /**
   * Puts a connection into a group whose name is its channel. If the channel is live, the connection is in at once and
   * gets the next message to the group. A second call waits for the first.
   *
   * @param group The group.
   * @param conn The connection.
   * @param onLive Called just before the connection is in, so before any message of the group can reach it.
   * @returns Rejects with `DISCONNECTED` when the connection leaves before the channel is live, or with the subscribe's
   * error. Then the connection is not in.
   */
  join(group: string, conn: Connection, onLive?: () => void): Promise<void> {
    return this.enter(group, conn, onLive) ?? IN;
  }

  /** The same; `undefined` if the connection is in at once. */
  enter(group: string, conn: Connection, onLive?: () => void): Promise<void> | undefined {
    const known = conn.memberships?.get(group);
    if (known) return known.ready;
    if (conn.closed) return Promise.reject(gone(group));
    const shared = this.#share(group);
    if (shared.settled) return this.#joinNow(shared.hold(), conn, onLive);
    return this.#joinLater(shared, conn, (enter) => {
      onLive?.();
      enter();
    });
  }

  /**
   * Like `join`, but `admit` sends something to the connection before it is in. This may take time.
   *
   * @param group The group.
   * @param conn The connection.
   * @param admit Called when the channel is live. From its call of `enter` on, the connection gets the messages to the
   * group. `enter` does nothing when the connection has left meanwhile.
   * @returns Rejects like `join`, or with the error of `admit`.
   */
  joinWhen(
    group: string,
    conn: Connection,
    admit: (enter: () => void) => void | Promise<void>,
  ): Promise<void> {
    const known = conn.memberships?.get(group);
    if (known) return known.ready;
    if (conn.closed) return Promise.reject(gone(group));
    return this.#joinLater(this.#share(group), conn, admit);
  }

  #share(group: string): Shared {
    return this.#shared.get(group) ??
      new Shared(this.#shared, group, this.#interest.acquire(group), this.#events);
  }

  #joinLater(
    shared: Shared,
    conn: Connection,
    admit: (enter: () => void) => void | Promise<void>,
  ): Promise<void> {
    const { group } = shared;
    const joining = new Joining(shared.hold());
    (conn.memberships ??= new SmallMap()).set(group, joining);
    const stays = () => conn.memberships?.get(group) === joining;
    const enter = () => {
      if (!stays()) return;
      this.#enter(group, conn);
      conn.memberships!.set(group, shared);
      shared.attendance?.entered(conn);
      joining.resolve();
    };
    const fail = (error: unknown) => {
      joining.reject(error);
      if (stays()) this.leave(group, conn);
    };
    const start = () => {
      try {
        if (stays()) admit(enter)?.catch(fail);
      } catch (error) {
        fail(error);
      }
    };
    if (shared.settled) start();
    else shared.ready.then(start, fail);
    return joining.ready;
  }

  #joinNow(shared: Shared, conn: Connection, onLive?: () => void): Promise<void> | undefined {
    try {
      onLive?.();
    } catch (error) {
      shared.release();
      return Promise.reject(error);
    }
    this.#enter(shared.group, conn);
    (conn.memberships ??= new SmallMap()).set(shared.group, shared);
    shared.attendance?.entered(conn);
    return undefined;
  }

  /**
   * Puts a connection into a group at once, even when its channel is not live. The subscribe is retried until the last
   * connection quits. Call it once per connection and group; see `quit`.
   *
   * @param group The group.
   * @param channel The channel, which several groups may share.
   * @param conn The connection.
   * @returns Resolves when the channel is live, or its first subscribe has failed; `undefined` if that has happened
   * before.
   */
  enrol(group: string, channel: string, conn: Connection): Promise<void> | undefined {
    let shared = this.#shared.get(group);
    if (!shared) {
      const { settled: ready, release } = this.#interest.keep(channel);
      shared = new Shared(this.#shared, group, { ready, release });
    }
    this.#enter(group, conn);
    shared.hold();
    return shared.settled ? undefined : shared.ready;
  }

  /** Takes a connection out of a group that it is enrolled in. */
  quit(group: string, conn: Connection): void {
    if (!this.#exit(group, conn)) return;
    this.#shared.get(group)?.release();
  }

  /** Takes a connection out of a group that it joined. A pending `join` rejects. */
  leave(group: string, conn: Connection): void {
    this.#leave(group, conn, false);
  }

  /** Takes a connection that has ended out of all groups that it joined. */
  leaveAll(conn: Connection): void {
    for (const [group] of conn.memberships?.entries() ?? []) this.#leave(group, conn, true);
  }

  #leave(group: string, conn: Connection, gone: boolean): void {
    const { memberships } = conn;
    const membership = memberships?.get(group);
    if (!membership) return;
    memberships!.delete(group);
    if (memberships!.size === 0) conn.memberships = undefined;
    this.#exit(group, conn);
    if (membership instanceof Shared) membership.attendance?.left(conn, gone);
    membership.release();
  }

  /**
   * Sends a message to the members of a group.
   *
   * @param group The group.
   * @param message The message.
   * @param audience Which members get it; left out for all.
   * @throws {HubError} `BAD_REQUEST` when the message cannot be encoded.
   */
  deliver(group: string, message: OutgoingMessage, audience?: Audience): void {
    this.#groups.get(group)?.deliver(message, audience);
  }

  /**
   * Sends a record of a room to the members of its group; see `Group.deliverRecord`.
   *
   * @param group The group.
   * @param record The record.
   * @param except The connection that must not see the event.
   * @throws {HubError} `BAD_REQUEST` when the record cannot be encoded.
   */
  deliverRecord(group: string, record: SharedRecord, except?: Connection): void {
    this.#groups.get(group)?.deliverRecord(record, except);
  }

  #enter(name: string, conn: Connection): void {
    let group = this.#groups.get(name);
    if (!group) this.#groups.set(name, group = new Group());
    group.add(conn);
  }

  #exit(name: string, conn: Connection): boolean {
    const group = this.#groups.get(name);
    if (!group?.delete(conn)) return false;
    if (group.size === 0) this.#groups.delete(name);
    return true;
  }
}

function gone(group: string): HubError {
  return new HubError("DISCONNECTED", `The connection left "${group}" before it was live`);
}

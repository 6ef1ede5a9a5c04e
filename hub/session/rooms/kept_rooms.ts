/**
 * Adds connections to rooms with history, and removes them. A client that comes back first gets the messages that it
 * missed.
 *
 * @module
 */

import type { HistoryAddOptions } from "../../api/room.ts";
import type { Clock, RoomState, Start } from "../../../contract/mod.ts";
import { REWIND } from "../../../contract/history/history_query.ts";
import { bag, optional, readOptions } from "../../../contract/options/read_options.ts";
import type { AdapterStage } from "../../../adapters/adapter.ts";
import type { Connection } from "../../connection/connection.ts";
import type { Membership } from "../../connection/membership.ts";
import type { Successors } from "../../connection/successors.ts";
import type { Registry } from "../../groups/registry.ts";
import { type RoomEntrance, tellIn } from "../../groups/rooms.ts";
import { OutgoingMessage } from "../../outbox/outgoing_message.ts";
import type { SharedRecord } from "../../outbox/shared_record.ts";
import type { HistoryTopic } from "../../topics/histories.ts";
import type { Topics } from "../../topics/topics.ts";
import { catchUp } from "../catch_up.ts";
import type { Gate } from "../gate.ts";
import { Permits } from "../permits.ts";

/** How many histories of rooms it reads for one connection at the same time. */
const MAX_READERS = 4;

/**
 * The first pause before it tries again to add a connection, in milliseconds. The pause doubles each time, up to a
 * limit.
 */
const FIRST_PAUSE_MS = 250;
const MAX_PAUSE_MS = 30_000;

const ADD = { rewind: optional(bag(REWIND)) };

/** Options of {@linkcode KeptRooms}. */
export interface KeptRoomsOptions {
  /** The topics and rooms with history. */
  readonly topics: Topics;
  /** The members of each room. */
  readonly registry: Registry;
  /** The new connections of clients that came back. */
  readonly successors: Successors;
  /** Limits how many histories the node reads at the same time. */
  readonly reads: Gate;
  /** The clock. */
  readonly clock: Clock;
  /** Reports an error that no caller receives. */
  onError(
    error: unknown,
    info: { readonly stage: AdapterStage; readonly channel?: string; readonly connectionId?: string },
  ): void;
}

/** A connection that enters a room. */
interface Entering {
  readonly room: HistoryTopic;
  readonly conn: Connection;
  /** Where it begins when its client is new in the room. */
  readonly first: Start | undefined;
  /** Whether to try again after a failure: when the room is followed, no caller gets the error any more. */
  readonly patient: boolean;
  /** Called when the node follows the room: no later message is missed. */
  begun(): void;
}

/** Adds connections to rooms that keep history. */
export class KeptRooms implements RoomEntrance {
  readonly #options: KeptRoomsOptions;
  /** Limits the history reads of each connection. */
  readonly #permits = new WeakMap<Connection, Permits>();
  /** The connections that are entering. Each promise resolves when no later message is missed. */
  readonly #begun = new WeakMap<Membership, PromiseWithResolvers<void>>();

  /** @param options Its options. */
  constructor(options: KeptRoomsOptions) {
    this.#options = options;
  }

  add(name: string, conn: Connection, options?: HistoryAddOptions): Promise<void> {
    const room = this.#room(name);
    const first = firstStart(readOptions("add", options, ADD).rewind);
    const { outbox: { corked: patient } } = conn;
    const joining = () => conn.memberships?.get(room.channel);
    const known = joining();
    const begun = known && this.#begun.get(known) || Promise.withResolvers<void>();
    const entering = { room, conn, first, patient, begun: begun.resolve };
    const joined = this.#options.registry.joinWhen(
      room.channel,
      conn,
      (enter) => this.#enter(entering, enter),
    );
    const membership = joining();
    if (membership && !membership.live) this.#begun.set(membership, begun);
    // Before the welcome nothing can be sent, and the welcome may wait for this call. So the client catches up after
    // the welcome.
    return patient ? Promise.race([joined, begun.promise]) : joined;
  }

  remove(name: string, conn: Connection): void {
    const { channel } = this.#room(name);
    const knows = conn.past?.positions.delete(name) === true;
    const isIn = conn.memberships?.has(channel) === true;
    this.#options.registry.leave(channel, conn);
    if (conn.recovers && (isIn || knows)) conn.outbox.pushOwn(new OutgoingMessage(["room", name]));
  }

  #room(name: string): HistoryTopic {
    return this.#options.topics.room(name)!;
  }

  /**
   * Sends the messages that the client missed, and lets it in. After a failure it continues after the last message
   * that it sent.
   */
  async #enter(entering: Entering, enter: () => void): Promise<void> {
    const { room: { name, channel }, conn, first, patient } = entering;
    const { clock, onError } = this.#options;
    const { past } = conn;
    const membership = conn.memberships!.get(channel)!;
    const isOver = () => conn.closed || conn.memberships?.get(channel) !== membership;
    let hasBegun = false;
    const begun = () => {
      hasBegun = true;
      entering.begun();
    };
    for (let failures = 0;; failures++) {
      const since = past?.positions.get(name);
      const start = since ? { since } : past && first;
      try {
        return await this.#catchUp({ ...entering, begun }, start, isOver, enter);
      } catch (error) {
        if (!patient || !hasBegun || isOver()) throw error;
        if (failures === 0) onError(error, { stage: "delivery", channel, connectionId: conn.id });
        const { promise, resolve } = Promise.withResolvers<void>();
        const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** failures, MAX_PAUSE_MS);
        const stop = clock.after(pauseMs, resolve, { background: true });
        await Promise.race([promise, membership.ready.catch(() => {})]); // the connection may leave in the meantime
        stop();
        if (isOver()) return;
      }
    }
  }

  async #catchUp(
    { room, conn, begun }: Entering,
    start: Start | undefined,
    isOver: () => boolean,
    enter: () => void,
  ): Promise<void> {
    const { topics: { histories }, successors, reads, clock, onError } = this.#options;
    const { name, channel } = room;
    const { past, outbox } = conn;
    const tell = (state: RoomState) => past && outbox.push(new OutgoingMessage(["room", name, state]));
    const earlier = [conn.id, ...past?.earlier ?? []];
    let seen = start?.since;
    try {
      await catchUp({
        topic: room,
        start,
        histories,
        outbox,
        permits: this.#permitsOf(conn),
        reads,
        clock,
        charge() {}, // it is charged once for each room that the client names, and these are few
        isOver,
        shown(message) {
          const record = message as SharedRecord;
          seen = [seen![0], record.offset];
          return shown(record, conn, earlier);
        },
        followed: begun,
        begin(position) {
          seen = position;
          tell({ position, past: true });
        },
        finish({ position, recovered }) {
          past?.positions.delete(name);
          tell(start ? { position, recovered } : { position });
          successors.add(conn); // live messages that leave out its earlier connections leave this one out
          enter();
          if (conn.isIn(channel)) tellIn(conn, name);
        },
        onError: (error) => onError(error, { stage: "delivery", channel, connectionId: conn.id }),
      });
    } catch (error) {
      if (past && seen && !isOver()) past.positions.set(name, seen);
      throw error;
    }
  }

  #permitsOf(conn: Connection): Permits {
    let permits = this.#permits.get(conn);
    if (!permits) this.#permits.set(conn, permits = new Permits(MAX_READERS));
    return permits;
  }
}

/**
 * The message for a connection. It is only the offset when the role does not have the event. The same holds when
 * `except` named this connection or an earlier one of its client.
 */
function shown(record: SharedRecord, conn: Connection, earlier: readonly string[]): OutgoingMessage {
  const { event, except, hidden } = record;
  const isFor = (except === null || !earlier.includes(except)) && conn.surface.serverToClient.has(event);
  return isFor ? record : hidden;
}

/** Where a connection begins if its client is new in the room. */
function firstStart(
  rewind: { readonly last?: number; readonly sinceMs?: number } | undefined,
): Start | undefined {
  const { last, sinceMs: withinMs } = rewind ?? {};
  if (!rewind) return undefined;
  if ((last === undefined) !== (withinMs === undefined)) return { last, withinMs };
  throw new TypeError("Cannot add a connection to a room: give one of rewind.last and rewind.sinceMs");
}

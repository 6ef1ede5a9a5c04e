/**
 * Puts a client that comes back into the rooms that it says it was in, if the application allows it; see
 * `HubOptions.rejoin`.
 *
 * @module
 */

import { HubError, isHubError, MAX_HELLO_ROOMS, MAX_HELLO_ROOMS_LENGTH } from "../../../contract/mod.ts";
import { roomChannel } from "../../backplane/channels.ts";
import type { Connection } from "../../connection/connection.ts";
import { OutgoingMessage } from "../../outbox/outgoing_message.ts";
import { Authorizing, type Rule } from "../authorizing.ts";
import { Permits } from "../permits.ts";
import { sendError } from "../send_error.ts";
import type { SessionContext } from "../session_context.ts";

/** For how many rooms of one connection it asks the application at the same time. */
const MAX_AT_ONCE = 8;

/** The first pause before it tries a room again, in milliseconds. The pause doubles each time, up to a limit. */
const FIRST_PAUSE_MS = 250;
const MAX_PAUSE_MS = 30_000;

/** Errors that may go away by themselves. */
const AWAY: ReadonlySet<string> = new Set(["UNAVAILABLE", "TIMEOUT"]);

/** Asks whether a client may come back to a room. */
class RoomAuthorizing extends Authorizing {
  readonly room: string;

  constructor(room: string, conn: Connection) {
    super({}, conn);
    this.room = room;
  }
}

/**
 * Reads the rooms that a client says it was in. The client may lie.
 *
 * @param joined The rooms in its hello.
 * @throws {HubError} `BAD_REQUEST` when they are too many. The hub does not skip any of them in silence.
 */
export function readJoined(joined: readonly string[]): ReadonlySet<string> {
  const rooms = new Set(joined);
  const length = [...rooms].reduce((sum, room) => sum + room.length, 0);
  if (joined.length <= MAX_HELLO_ROOMS && length <= MAX_HELLO_ROOMS_LENGTH) return rooms;
  throw new HubError(
    "BAD_REQUEST",
    `A hello may name at most ${MAX_HELLO_ROOMS} rooms, of ${MAX_HELLO_ROOMS_LENGTH} UTF-16 units together`,
  );
}

/** Puts one connection into its rooms again. */
export class Rejoining {
  readonly #conn: Connection;
  readonly #context: SessionContext;
  readonly #rule: Rule;
  readonly #permits = new Permits(MAX_AT_ONCE);
  /** The rooms that are not decided yet. */
  readonly #open = new Set<string>();
  /** Ends the current wait, by room. */
  readonly #endings = new Map<string, () => void>();

  /**
   * @param conn The connection.
   * @param context The shared context of all sessions.
   * @param rule The application's rule.
   */
  constructor(conn: Connection, context: SessionContext, rule: Rule) {
    this.#conn = conn;
    this.#context = context;
    this.#rule = rule;
  }

  /** Whether all rooms are decided. */
  get idle(): boolean {
    return this.#open.size === 0;
  }

  /**
   * Asks the rule for each room, and puts the connection into the rooms that it allows. The client is told about the
   * other rooms. Never rejects.
   *
   * @param rooms The rooms.
   * @param waitMs How long to wait, in milliseconds. The work goes on afterwards.
   * @returns Resolves when all rooms are decided, or the time is up.
   */
  async start(rooms: ReadonlySet<string>, waitMs: number): Promise<void> {
    const { promise: over, resolve } = Promise.withResolvers<void>();
    const stop = this.#context.options.clock.after(waitMs, resolve, { background: true });
    for (const room of rooms) this.#open.add(room);
    await Promise.race([Promise.all([...rooms].map((room) => this.#enter(room))), over]);
    stop();
  }

  /** The connection is gone: stops asking and waiting. */
  close(): void {
    this.#open.clear();
    for (const end of this.#endings.values()) end();
  }

  /**
   * The application removes the connection from a room: the connection does not come back to it, even if the rule
   * allows it.
   *
   * @param room The room.
   * @returns Whether the room was not decided yet.
   */
  leave(room: string): boolean {
    const isOpen = this.#open.delete(room);
    this.#endings.get(room)?.();
    return isOpen;
  }

  /** Whether a room is still to be decided. */
  #waitsFor(room: string): boolean {
    return !this.#conn.closed && this.#open.has(room);
  }

  /**
   * Puts the connection into a room, or tells the client why not. After a failure that may go away, it tries again.
   */
  async #enter(room: string, failures = 0): Promise<void> {
    try {
      await this.#attempt(room);
      this.#open.delete(room);
    } catch (error) {
      if (!this.#waitsFor(room)) return;
      const isAway = isHubError(error) && AWAY.has(error.code);
      this.#context.calls.thrown(error, { stage: "handler", name: room, connectionId: this.#conn.id });
      if (this.#isComing(room)) return void this.#open.delete(room); // the application has added it in the meantime
      if (!isAway || failures === 0) this.#refuse(room, error);
      if (isAway) this.#enterLater(room, failures);
      else this.#open.delete(room);
    }
  }

  #enterLater(room: string, failures: number): void {
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** failures, MAX_PAUSE_MS);
    const stop = this.#context.options.clock.after(pauseMs, () => {
      this.#endings.delete(room);
      void this.#enter(room, failures + 1);
    }, { background: true });
    this.#endings.set(room, stop);
  }

  async #attempt(room: string): Promise<void> {
    const { subscribes } = this.#context;
    await this.#permits.take();
    try {
      if (!this.#waitsFor(room)) return;
      const wait = subscribes.wait();
      if (wait) await this.#endable(room, wait.turn, (why) => wait.giveUp(why));
      subscribes.leave(); // bounds how many begin in a turn, not how many run
      if (!this.#isComing(room) && this.#waitsFor(room)) await this.#ask(room);
      if (this.#waitsFor(room)) await this.#context.addToRoom(room, this.#conn);
    } finally {
      this.#permits.give();
    }
  }

  /** Whether the application has added the connection to this room itself. */
  #isComing(room: string): boolean {
    return this.#conn.memberships?.has(roomChannel(room)) === true;
  }

  async #ask(room: string): Promise<void> {
    const asking = new RoomAuthorizing(room, this.#conn);
    const answer = asking.ask(
      this.#rule,
      { what: "come back to", name: room, option: "rejoin" },
      this.#context,
    );
    if (!answer) return;
    await this.#endable(room, answer, (why) => asking.end(why));
  }

  /** Waits, and ends the wait when the client is gone, or is no longer to come back to the room. */
  async #endable(room: string, wait: Promise<void>, end: (why: Error) => void): Promise<void> {
    this.#endings.set(room, () => end(new HubError("DISCONNECTED", "The answer is no longer needed")));
    try {
      await wait;
    } finally {
      this.#endings.delete(room);
    }
  }

  #refuse(room: string, error: unknown): void {
    sendError(
      this.#conn,
      error,
      (wire) => new OutgoingMessage(["out", room, wire]),
      this.#context.onError,
    );
  }
}

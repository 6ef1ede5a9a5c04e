/**
 * The members of one room or topic, kept up to date on every link.
 *
 * @module
 */

import {
  asWhoChange,
  type DeclaredPresence,
  fromWireError,
  type HubError,
  parseNow,
  type PresenceBy,
  type PresenceChange,
  type PresenceMember,
  readWireMember,
  type WhoChange,
  type WireMember,
} from "../../contract/mod.ts";
import type { ClientParts } from "../client.ts";
import type { Connection } from "../connection.ts";
import { Retries } from "../retries.ts";
import { TRANSIENT } from "../topics/stream.ts";
import { checkPresence } from "./check_presence.ts";
import type { PresenceEvents } from "./api.ts";

/** A member, and its state as it came over the wire, so that two can be compared. */
interface Known {
  readonly member: PresenceMember;
  readonly raw: unknown;
}

/** A view, as its watch uses it. Its methods must not throw. */
export interface Viewer {
  /** Whether the user has read `ready`, and so sees a refusal. */
  readonly heeded: boolean;
  /**
   * Calls the view's listeners.
   *
   * @param event The event.
   * @param value The argument for the listeners.
   * @param change The change, for iterators.
   */
  tell<E extends keyof PresenceEvents<unknown>>(
    event: E,
    value: PresenceEvents<unknown>[E],
    change?: PresenceChange,
  ): void;
  /** The view is complete. */
  sync(): void;
  /**
   * The watch has ended.
   *
   * @param cause The reason.
   */
  fail(cause: HubError): void;
}

/** The room or topic of a watch. */
export interface Watched {
  /** Its name on the wire: `room:lobby`. */
  readonly place: string;
  /** Its name: `lobby`. */
  readonly name: string;
  readonly by: PresenceBy;
  /** Its declaration in the contract. */
  readonly declared: DeclaredPresence;
}

/** A watched place. All views of it share this watch. */
export class Watch {
  readonly watched: Watched;
  readonly views = new Set<Viewer>();
  /** The number of members. */
  count = 0;
  /** Whether the members are listed. */
  listed = true;
  /** Whether the list is complete and up to date. */
  synced = false;
  readonly #parts: ClientParts;
  readonly #onEnd: (watch: Watch) => void;
  readonly #retries: Retries;
  readonly #members = new Map<string, Known>();
  /**
   * The pages of a new list, until the last one arrives. Then the differences from the old list are reported as
   * changes.
   */
  #pages: Map<string, Known> | undefined;
  /** Whether the members were known once. If so, a new member is reported as a join. */
  #known = false;
  /** The id of the watch request that has no answer yet. */
  #asked: number | undefined;
  /** The connection that the watch was requested on. */
  #connection: Connection | undefined;
  /**
   * The requests that had no answer when the server refused: one of them may be the one that enters the room. The
   * watch is asked for again after each of them.
   */
  #before: Set<Promise<unknown>> | undefined;
  /** Whether such a request was answered while the watch was asked for. */
  #changed = false;
  #live = false;
  #established = false;

  /**
   * @param watched The place to watch.
   * @param parts The parts of the client.
   * @param onEnd Called once, when the watch is over.
   */
  constructor(watched: Watched, parts: ClientParts, onEnd: (watch: Watch) => void) {
    this.watched = watched;
    this.#parts = parts;
    this.#onEnd = onEnd;
    this.#retries = new Retries(parts.settings, () => this.ask());
  }

  /** The members, sorted by id. */
  list(): PresenceMember[] {
    return Array.from(this.#members.values(), ({ member }) => member).sort((a, b) => a.id < b.id ? -1 : 1);
  }

  /** Asks the server for changes, if the connection is free and this was not done on it yet. */
  ask(): void {
    const { calls, requests: { free }, settings: { requestTimeoutMs: timeoutMs } } = this.#parts;
    if (!free || this.#live || this.#asked !== undefined || this.#retries.stop) return;
    const { place, by } = this.watched;
    this.#connection = free;
    const id = this.#asked = calls.ask(
      place,
      { timeoutMs },
      () => this.#unwatch(), // the server may still accept it
      () => this.#accepted(),
      (error) => {
        this.#asked = undefined;
        this.#refused(error as HubError);
      },
    );
    try {
      checkPresence(free);
      free.push(["watch", id, place, { by }]);
    } catch (error) {
      queueMicrotask(() => calls.reject(id, error as HubError)); // later, because the caller cannot use `ready` yet
    }
  }

  /** The link is lost. The known members stay. */
  lost(): void {
    this.#retries.stop?.();
    this.#parts.calls.forget(this.#asked);
    this.#asked = this.#pages = this.#before = undefined;
    this.#live = this.synced = this.#changed = false;
  }

  /**
   * The server sent a change of the members.
   *
   * @param told The change, as it came over the wire.
   * @throws {HubError} `BAD_REQUEST` when it is not of the protocol.
   */
  take(told: WhoChange): void {
    const { nodes = [], all, out = [], in: put = [], more, listed, count, synced, error } = asWhoChange(told);
    if (!this.#live) return; // from an earlier watch that was cancelled
    if (error) return this.#cut(fromWireError(error));
    let changes: PresenceChange[] = [];
    if (listed === false) {
      this.#members.clear();
      this.#pages = undefined;
      this.listed = this.#known = false;
    }
    if (all) this.#pages = new Map();
    const pages = this.#pages;
    for (const id of out) this.#drop(id, changes);
    for (const wire of [...all ?? [], ...put]) {
      const known = { member: this.read(wire, nodes), raw: wire[3] };
      if (pages) pages.set(known.member.id, known);
      else this.#put(known, changes);
    }
    if (more) return;
    if (pages) {
      this.#pages = undefined;
      for (const id of [...this.#members.keys()]) if (!pages.has(id)) this.#drop(id, changes);
      for (const known of pages.values()) this.#put(known, changes);
      if (!this.#known) changes = [];
      this.listed = this.#known = true;
    }
    this.#tell(changes, count, synced);
  }

  /**
   * Removes a view that was closed.
   *
   * @param view The view.
   */
  leave(view: Viewer): void {
    if (this.views.delete(view) && this.views.size === 0) this.#close();
  }

  /**
   * Ends the watch for all views.
   *
   * @param error The reason.
   */
  end(error: HubError): void {
    this.#close();
    const views = [...this.views];
    this.views.clear();
    for (const view of views) view.fail(error);
  }

  /** Reads a member and parses its state. A member whose state does not fit stays in the list, without a state. */
  read(wire: WireMember, nodes: readonly string[]): PresenceMember {
    const member = readWireMember(wire, nodes);
    if (member.state === undefined) return member;
    const { name, declared } = this.watched;
    try {
      return { ...member, state: parseNow(declared.state, member.state, "state in", name) };
    } catch (error) {
      this.#parts.settings.reportRepeated(error, { stage: "presence", name });
      return { ...member, state: undefined };
    }
  }

  #accepted(): void {
    this.#asked = this.#before = undefined;
    this.#live = this.#established = true;
    this.#retries.reset();
  }

  /** The server did not accept the watch. If the client may be entering the room at this moment, it asks again. */
  #refused(error: HubError): void {
    if (error.code !== "FORBIDDEN") return this.#fail(error);
    const before = this.#before ?? this.#await(new Set(this.#parts.requests.unanswered));
    const again = this.#changed;
    this.#changed = false;
    if (again) return this.ask();
    if (before.size > 0) return;
    this.#before = undefined;
    this.#fail(error);
  }

  #await(before: Set<Promise<unknown>>): Set<Promise<unknown>> {
    for (const answer of before) {
      const answered = () => {
        before.delete(answer);
        if (this.#before !== before) return;
        if (this.#asked === undefined) this.ask();
        else this.#changed = true;
      };
      answer.then(answered, answered);
    }
    return this.#before = before;
  }

  /** The server ended the watch, or sent a change that cannot be read. In the second case the server must be told. */
  #cut(error: HubError): void {
    this.#unwatch();
    this.lost();
    this.#fail(error);
  }

  /**
   * Handles a refusal. If the watch worked before and the error is temporary, it retries later. Otherwise the watch
   * ends.
   */
  #fail(error: HubError): void {
    const established = this.#established;
    const heard = !established && [...this.views].every((view) => view.heeded);
    if (established && TRANSIENT.has(error.code)) this.#retries.later(error);
    else this.end(error);
    if (!heard) this.#parts.settings.report(error, { stage: "presence", name: this.watched.name });
  }

  #close(): void {
    if (this.#live || this.#asked !== undefined) this.#unwatch();
    this.lost();
    this.#onEnd(this);
  }

  #unwatch(): void {
    const { place, by } = this.watched;
    this.#connection?.push(["unwatch", place, by]);
  }

  #drop(id: string, changes: PresenceChange[]): void {
    const known = this.#members.get(id);
    if (this.#members.delete(id)) changes.push({ type: "leave", member: known!.member });
  }

  #put(known: Known, changes: PresenceChange[]): void {
    const { member } = known;
    const before = this.#members.get(member.id);
    if (before && textOf(before) === textOf(known)) return;
    this.#members.set(member.id, known);
    changes.push({ type: before ? "update" : "join", member });
  }

  #tell(changes: readonly PresenceChange[], count = this.count, synced = this.synced): void {
    const counted = count !== this.count;
    const whole = synced && !this.synced;
    this.count = count;
    this.synced = synced;
    const views = [...this.views];
    for (const change of changes) for (const view of views) view.tell(change.type, change.member, change);
    if (counted) { for (const view of views) view.tell("count", count); }
    if (whole) { for (const view of views) view.sync(); }
  }
}

/** A text that changes whenever the member changes. */
function textOf({ member: { user, node }, raw }: Known): string {
  return JSON.stringify([user, node, raw]);
}

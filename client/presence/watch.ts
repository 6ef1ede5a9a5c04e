/**
 * One room or topic as it is watched on the wire: who is in it, kept true link after link.
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

/** A member, and its state as it came over the wire: two of these can be compared. */
interface Known {
  readonly member: PresenceMember;
  readonly raw: unknown;
}

/** A view of a watched place, as the watch sees it. None of it throws. */
export interface Viewer {
  /** Whether somebody waits for it to be whole, and so hears of a refusal. */
  readonly heeded: boolean;
  /**
   * Tells its listeners.
   *
   * @param event Of what.
   * @param value What they are given.
   * @param change The change, for whoever reads them one by one.
   */
  tell<E extends keyof PresenceEvents<unknown>>(
    event: E,
    value: PresenceEvents<unknown>[E],
    change?: PresenceChange,
  ): void;
  /** It is whole. */
  sync(): void;
  /**
   * The watch has ended.
   *
   * @param cause Why.
   */
  fail(cause: HubError): void;
}

/** What is watched. */
export interface Watched {
  /** Its name on the wire. */
  readonly place: string;
  /** Its name. */
  readonly name: string;
  readonly by: PresenceBy;
  /** What the contract says of it. */
  readonly declared: DeclaredPresence;
}

/** A place as it is watched, by all views of it together. */
export class Watch {
  readonly watched: Watched;
  readonly views = new Set<Viewer>();
  /** How many members there are. */
  count = 0;
  /** Whether they are listed. */
  listed = true;
  /** Whether all that is known is true. */
  synced = false;
  readonly #parts: ClientParts;
  readonly #onEnd: (watch: Watch) => void;
  readonly #retries: Retries;
  readonly #members = new Map<string, Known>();
  /** Everybody, page by page, until all are here: what differs from those who were known has changed meanwhile. */
  #pages: Map<string, Known> | undefined;
  /** Whether the members were known once: who is new then has come. */
  #known = false;
  /** The watch that has no answer yet. */
  #asked: number | undefined;
  /** Where it was asked. */
  #connection: Connection | undefined;
  #live = false;
  #established = false;

  /**
   * @param watched What to watch.
   * @param parts The client's.
   * @param onEnd Called once: it is over.
   */
  constructor(watched: Watched, parts: ClientParts, onEnd: (watch: Watch) => void) {
    this.watched = watched;
    this.#parts = parts;
    this.#onEnd = onEnd;
    this.#retries = new Retries(parts.settings, () => this.ask());
  }

  /** The members, by the order of their ids. */
  list(): PresenceMember[] {
    return Array.from(this.#members.values(), ({ member }) => member).sort((a, b) => a.id < b.id ? -1 : 1);
  }

  /** Asks to be told, where the connection can be used and that was not done on it. */
  ask(): void {
    const { calls, requests: { free }, settings: { requestTimeoutMs: timeoutMs } } = this.#parts;
    if (!free || this.#live || this.#asked !== undefined || this.#retries.stop) return;
    const { place, by } = this.watched;
    this.#connection = free;
    const id = this.#asked = calls.ask(
      place,
      { timeoutMs },
      () => this.#unwatch(), // the server may be about to answer
      () => this.#accepted(),
      (error) => {
        this.#asked = undefined;
        this.#fail(error as HubError);
      },
    );
    try {
      checkPresence(free);
      free.push(["watch", id, place, { by }]);
    } catch (error) {
      queueMicrotask(() => calls.reject(id, error as HubError)); // later: nobody can look at `ready` yet
    }
  }

  /** The link is gone; who was known stays. */
  lost(): void {
    this.#retries.stop?.();
    this.#parts.calls.forget(this.#asked);
    this.#asked = this.#pages = undefined;
    this.#live = this.synced = false;
  }

  /**
   * The server tells what has become of the place.
   *
   * @param told As it came over the wire.
   * @throws {HubError} `BAD_REQUEST` when it is not of the protocol.
   */
  take(told: WhoChange): void {
    const { nodes = [], all, out = [], in: put = [], more, listed, count, synced, error } = asWhoChange(told);
    if (!this.#live) return; // left over from a watch that was given up
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
   * A view is closed.
   *
   * @param view The view.
   */
  leave(view: Viewer): void {
    if (this.views.delete(view) && this.views.size === 0) this.#close();
  }

  /**
   * It is over, for all views.
   *
   * @param error Why.
   */
  end(error: HubError): void {
    this.#close();
    const views = [...this.views];
    this.views.clear();
    for (const view of views) view.fail(error);
  }

  /** The member, parsed. Who has a state that does not fit is there nevertheless. */
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
    this.#asked = undefined;
    this.#live = this.#established = true;
    this.#retries.reset();
  }

  /** The server tells no more; or what it told could not be read, and it does not know that. */
  #cut(error: HubError): void {
    this.#unwatch();
    this.lost();
    this.#fail(error);
  }

  /** What was refused for now is asked again later, unless it never worked. */
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

/** What makes one member differ from itself at another time. */
function textOf({ member: { user, node }, raw }: Known): string {
  return JSON.stringify([user, node, raw]);
}

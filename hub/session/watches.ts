/**
 * The watches of one connection on the members of rooms and topics. It asks the rule, sends the members, and then the
 * changes. A place is a room or topic with presence.
 *
 * @module
 */

import {
  HubError,
  isHubError,
  MAX_MEMBERS_PAGE,
  type MembersPage,
  type MembersQuery,
  placeOfWire,
  type PresenceBy,
} from "../../contract/mod.ts";
import type { Connection } from "../connection/connection.ts";
import { SmallMap } from "../connection/small_map.ts";
import { OutgoingMessage } from "../outbox/outgoing_message.ts";
import type { NamedPlace } from "../presence/named_places.ts";
import { toMember } from "../presence/view.ts";
import type { Watched } from "../presence/watchers.ts";
import { snapshotMessages, toMembersPage, who } from "../presence/who.ts";
import { type Authorizing, PresenceAuthorizing, ruleOf } from "./authorizing.ts";
import { RateLimiter } from "./limits.ts";
import type { PendingBytes } from "./pending_bytes.ts";
import { Permits } from "./permits.ts";
import { sendError } from "./send_error.ts";
import type { SessionContext, SessionPresence } from "./session_context.ts";
import type { Held, Subscriptions } from "./subscriptions.ts";

/** How many pages it reads for one connection at the same time. */
const MAX_READERS = 4;

/** How many members a page has when the client gives no limit. */
const DEFAULT_PAGE = 100;

/** The longest name of a place on the wire, in UTF-16 units. The hub and the backplane keep each name. */
const MAX_NAME_LENGTH = 1_024 + "topic:".length;

/**
 * The longest cursor of a client, in UTF-16 units. It ends with a member's id, and the hub keeps it while the client
 * waits.
 */
const MAX_CURSOR_LENGTH = 1_024;

/** A watch and its state. */
interface Mark {
  readonly watched: Watched;
  readonly name: string;
  /** Whether a rule allowed the watch. Then the watch stays when the connection leaves the place. */
  ruled: boolean;
  /** Whether the hub told the client that it may watch. */
  admitted: boolean;
  asking?: Authorizing;
  /** Why the watch has ended. */
  ended?: HubError;
}

/** Options of {@linkcode Watches}. */
export interface WatchesParts {
  readonly conn: Connection;
  readonly context: SessionContext;
  readonly presence: SessionPresence;
  /** Its subscriptions: a subscriber of a topic may see the other subscribers. */
  readonly subscriptions: () => Subscriptions | undefined;
  /** The subscriptions and watches that count for the limit. */
  readonly all: Held;
  /** Counts the bytes of messages that take time. */
  readonly kept: PendingBytes;
}

/** The watches of a connection. */
export class Watches {
  readonly #parts: WatchesParts;
  /**
   * By place and by how to count members. The object also distinguishes a watch from a later watch of the same place.
   */
  readonly #active = new SmallMap<string, Mark>();
  /** Questions to rules about a page. */
  readonly #looking = new Set<Authorizing>();
  /** How many calls still run. A cancelled watch counts until its rule has ended. */
  #underWay = 0;
  #permits: Permits | undefined;
  /** Limits how many members the connection gets in lists and pages. */
  #sending: RateLimiter | undefined;

  /** @param parts Its options. */
  constructor(parts: WatchesParts) {
    this.#parts = parts;
  }

  /** How many there are, also before they have begun. */
  get size(): number {
    return this.#active.size;
  }

  /**
   * Watches a place, and answers the client. Never rejects.
   *
   * @param id The id of the client's question.
   * @param place The place, as on the wire.
   * @param by How to count members.
   */
  watch(id: number, place: string, by: PresenceBy = "user"): Promise<void> {
    const { context: { limits: { maxSubscriptions: max } }, all } = this.#parts;
    const key = keyOf(place, by);
    return this.#answer(id, place, async (named) => {
      if (this.#active.has(key)) {
        throw new HubError("BAD_REQUEST", `Cannot watch "${named.name}" twice on one connection`);
      }
      if (all.held >= max) {
        throw new HubError("RATE_LIMITED", `Cannot watch more than ${max} rooms and topics`);
      }
      this.#checkSending();
      const watched = { place: named.channel, by };
      const mark: Mark = { watched, name: named.name, ruled: false, admitted: false };
      this.#active.set(key, mark);
      try {
        await this.#admit(named, mark);
      } catch (error) {
        if (!mark.ended) this.#active.delete(key);
        throw mark.ended ?? error;
      }
      if (mark.ended) throw mark.ended;
      this.#begin(id, key, mark);
    });
  }

  /** Ends a watch in any state. */
  unwatch(place: string, by: PresenceBy): void {
    const key = keyOf(place, by);
    const mark = this.#active.get(key);
    if (mark) this.#end(key, mark, stopped(mark.name));
  }

  /** The connection has left a place. Its watch ends, unless a rule allowed it. */
  left(channel: string): void {
    for (const [key, mark] of this.#active.entries()) {
      if (mark.watched.place !== channel || mark.ruled) continue;
      const error = new HubError("FORBIDDEN", `Not in "${mark.name}" any more`);
      this.#end(key, mark, error);
      if (mark.admitted) this.#tell(mark, error);
    }
  }

  /** Sets the state of this connection, and answers the client. Never rejects. */
  state(id: number, place: string, state: unknown): Promise<void> {
    const { conn, context: { limits }, presence: { attendances }, kept } = this.#parts;
    return this.#answer(id, place, async (named) => {
      const { clientsSet, pattern } = named.declared;
      if (!clientsSet) {
        throw new HubError(
          "FORBIDDEN",
          `Cannot set a state in "${named.name}": the contract has no clientsSet at "${pattern}"`,
        );
      }
      const coming = this.#coming(named);
      if (coming) {
        const { bytes } = kept;
        if (bytes > limits.maxPendingBytes) {
          throw new HubError(
            "RATE_LIMITED",
            `Cannot set a state in "${named.name}": states of ${bytes} bytes wait already`,
          );
        }
        const frame = kept.keep();
        await coming;
        kept.release(frame);
      }
      if (!conn.isIn(named.channel)) {
        throw new HubError("FORBIDDEN", `Cannot set a state in "${named.name}": enter it first`);
      }
      attendances.set(named, conn, state);
      conn.outbox.pushOwn(new OutgoingMessage(["res", id]));
    });
  }

  /** Reads one page of members, and answers the client. Never rejects. */
  members(id: number, place: string, { by, limit, cursor }: MembersQuery = {}): Promise<void> {
    const { conn } = this.#parts;
    const isKnown = cursor === undefined || cursor.length <= MAX_CURSOR_LENGTH;
    // Keep only the needed part of the query while the client waits.
    const query = { by, limit, cursor: isKnown ? cursor : undefined };
    return this.#answer(id, place, async (named) => {
      if (!isKnown) {
        const most = `A cursor may have at most ${MAX_CURSOR_LENGTH} characters`;
        throw new HubError("BAD_REQUEST", `${most}: give the one that came with the page before`);
      }
      await this.#allow(named);
      const permits = this.#permits ??= new Permits(MAX_READERS);
      await permits.take();
      try {
        while (conn.outbox.congested) await conn.outbox.room(); // the client must first read the earlier pages
        if (conn.closed) return;
        const sending = this.#checkSending();
        const page = await this.#page(named, query);
        sending.charge(page.members.length);
        conn.outbox.pushOwn(new OutgoingMessage(["res", id, page]));
      } finally {
        permits.give();
      }
    });
  }

  /** Ends everything: the connection is gone. */
  close(): void {
    const gone = new HubError("DISCONNECTED", "The client is gone");
    for (const [key, mark] of this.#active.entries()) {
      this.#end(key, mark, gone);
      mark.asking?.end(gone);
    }
    for (const asking of this.#looking) asking.end(gone);
  }

  /** Reads as many members as fit into one message. */
  async #page(
    { channel }: NamedPlace,
    { by = "user", limit = DEFAULT_PAGE, cursor }: MembersQuery,
  ): Promise<MembersPage> {
    const { conn: { signal }, presence: { source } } = this.#parts;
    for (let most = Math.min(limit, MAX_MEMBERS_PAGE);;) {
      const page = await source.page(channel, { by, limit: most, cursor, signal });
      const members = page.entries.map((entry) => toMember(by, entry));
      const told = toMembersPage({ ...page, members });
      if (typeof told !== "number") return told;
      most = told;
    }
  }

  /** Does what a client asks about a place. Answers with the error if it fails. */
  async #answer(
    id: number,
    place: string,
    work: (named: NamedPlace) => Promise<void>,
  ): Promise<void> {
    const { conn, context: { calls, onError, limits: { maxSubscriptions: max } } } = this.#parts;
    this.#underWay++;
    try {
      if (this.#underWay > max) {
        throw new HubError(
          "RATE_LIMITED",
          `Cannot answer more: ${max} questions of this client about presence have no answer yet`,
        );
      }
      await work(this.#find(place));
    } catch (error) {
      calls.thrown(error, { stage: "handler", name: place, connectionId: conn.id });
      sendError(conn, error, (wire) => new OutgoingMessage(["err", id, wire]), onError);
    } finally {
      this.#underWay--;
    }
  }

  /** A list is long and its question is short. So limit how many members a client gets. */
  #checkSending(): RateLimiter {
    const { limits: { messagesPerSecond, recoveryBurst: messageBurst }, options: { clock } } =
      this.#parts.context;
    const sending = this.#sending ??= new RateLimiter(clock, { messagesPerSecond, messageBurst });
    sending.refill(1);
    if (sending.hasRoom) return sending;
    throw new HubError(
      "RATE_LIMITED",
      `Cannot send more than ${messageBurst} members at once: try again later`,
    );
  }

  #find(name: string): NamedPlace {
    const { conn: { role }, presence: { places } } = this.#parts;
    const place = name.length <= MAX_NAME_LENGTH ? placeOfWire(name) : undefined;
    if (place === undefined) {
      throw new HubError("BAD_REQUEST", 'Name a place by "room:" or "topic:" and at most 1,024 characters');
    }
    return places.ofClient(place, role);
  }

  /** Checks whether the connection may watch. */
  #admit(named: NamedPlace, mark: Mark): void | Promise<void> {
    const rule = ruleOf(this.#parts.presence.rules, named.declared.pattern);
    if (!rule) return this.#checkIn(named);
    mark.ruled = true;
    mark.asking = new PresenceAuthorizing(named, this.#parts.conn);
    return this.#ask(rule, named, mark.asking);
  }

  /** Checks whether the connection may read a page. A connection that watches the place was allowed already. */
  async #allow(named: NamedPlace): Promise<void> {
    const { conn, presence: { rules } } = this.#parts;
    const isIn = ([, { admitted, watched }]: [string, Mark]) => admitted && watched.place === named.channel;
    if (this.#active.entries().some(isIn)) return;
    const rule = ruleOf(rules, named.declared.pattern);
    if (!rule) return await this.#checkIn(named);
    const asking = new PresenceAuthorizing(named, conn);
    this.#looking.add(asking);
    try {
      await this.#ask(rule, named, asking);
    } finally {
      this.#looking.delete(asking);
    }
  }

  #ask(
    rule: NonNullable<ReturnType<typeof ruleOf>>,
    named: NamedPlace,
    asking: Authorizing,
  ): void | Promise<void> {
    const { name, declared: { pattern } } = named;
    const decided = { what: "see the members of", name, option: `"${pattern}" of presence.authorize` };
    return asking.ask(rule, decided, this.#parts.context);
  }

  async #checkIn(named: NamedPlace): Promise<void> {
    await this.#coming(named);
    if (this.#parts.conn.isIn(named.channel)) return;
    throw new HubError(
      "FORBIDDEN",
      `Only members of "${named.name}" may see its members: enter it first, on every connection`,
    );
  }

  /** Settles when it is decided whether a joining connection is in the place; `undefined` when it is not joining. */
  #coming({ name, channel }: NamedPlace): Promise<void> | undefined {
    const { conn, subscriptions } = this.#parts;
    const membership = conn.memberships?.get(channel);
    if (membership) return membership.live ? undefined : settled(membership.ready);
    const deciding = channel.startsWith("topic") ? subscriptions()?.deciding(name) : undefined;
    return deciding && settled(deciding).then(() => settled(conn.memberships?.get(channel)?.ready));
  }

  /** Begins the watch: the client first gets all members, and then the changes. */
  #begin(id: number, key: string, mark: Mark): void {
    const { conn, context: { onError }, presence: { watchers } } = this.#parts;
    mark.asking = undefined;
    mark.admitted = true;
    conn.outbox.pushOwn(new OutgoingMessage(["res", id]));
    watchers.watch(mark.watched, conn, (snapshot) => {
      this.#sending?.charge(snapshot.members.length);
      for (const message of snapshotMessages(mark.watched, snapshot)) conn.outbox.pushOwn(message);
    }).catch((error) => {
      if (mark.ended) return; // the client ended it, or was told already
      this.#active.delete(key);
      if (!isHubError(error)) onError(error, { stage: "output", name: mark.name, connectionId: conn.id });
      this.#tell(mark, error);
    });
  }

  /** Tells the client that the hub ended a watch. */
  #tell({ watched }: Mark, error: unknown): void {
    const { conn, context: { onError } } = this.#parts;
    sendError(conn, error, (wire) => who(watched, { error: wire }), onError);
  }

  #end(key: string, mark: Mark, reason: HubError): void {
    const { conn, presence: { watchers } } = this.#parts;
    this.#active.delete(key);
    mark.ended = reason;
    mark.asking?.abort(reason); // the rule still counts until it ends: otherwise one client could run many of them
    watchers.unwatch(mark.watched, conn);
  }
}

const keyOf = (place: string, by: PresenceBy): string => `${by} ${place}`;

const stopped = (name: string): HubError =>
  new HubError("DISCONNECTED", `Stopped watching "${name}" meanwhile`);

/** Settles when a promise resolves or rejects. */
const settled = async (promise: Promise<void> | undefined): Promise<void> => {
  try {
    await promise;
  } catch {
    // the caller that made the promise handles the error
  }
};

/**
 * The presence of one room or topic, for the application.
 *
 * @module
 */

import type { PresenceBy, PresenceMember, PresencePage } from "../../contract/mod.ts";
import { checkListener } from "../../contract/options/check_listener.ts";
import { abortSignal, count, oneOf, text } from "../../contract/options/option_kinds.ts";
import { optional, or, readOptions, type Rows } from "../../contract/options/read_options.ts";
import { suggest } from "../../contract/options/suggest.ts";
import type { HubPresence, PresenceListener, PresencePageQuery, PresenceQuery } from "../api/presence.ts";
import { owning } from "../connection/own_errors.ts";
import { idOf } from "../backplane/channels.ts";
import { ChangeReader } from "./change_reader.ts";
import type { Listeners } from "./listeners.ts";
import type { NamedPlace } from "./named_places.ts";
import type { PresenceSource } from "./source.ts";
import { toMember } from "./view.ts";

/** The options of {@linkcode PresenceHandle}. */
export interface PresenceHandleParts {
  /** The source of presence. */
  readonly source: Pick<PresenceSource, "count" | "page">;
  /** The listeners for changes. */
  readonly listeners: Listeners;
  /** Waits until all members are known for the first time, up to a timeout. */
  settled(signal?: AbortSignal): Promise<void>;
  /** Sets the state of a connection of this node. */
  set(place: NamedPlace, connection: string, state: unknown): void;
}

/** How many members a list reads at once. */
const LIST_PAGE = 1_000;
/** How many members a page may have. */
const MAX_PAGE = 10_000;

const by = or(oneOf("user", "connection"), "user");
const BY = { by } satisfies Rows<Pick<PresenceQuery, "by">>;
const QUERY = { ...BY, signal: optional(abortSignal) } satisfies Rows<PresenceQuery>;
const PAGE = {
  ...QUERY,
  limit: or(count({ max: MAX_PAGE }), 100),
  cursor: optional(text),
} satisfies Rows<PresencePageQuery>;

const EVENTS = ["join", "leave", "update"];

/** The presence of a room or topic. It is cheap to make, because handlers make one for every message. */
export class PresenceHandle implements HubPresence<unknown, unknown> {
  readonly name: string;
  readonly #place: NamedPlace;
  readonly #parts: PresenceHandleParts;

  /**
   * @param place The room or topic.
   * @param parts The parts that it uses.
   */
  constructor(place: NamedPlace, parts: PresenceHandleParts) {
    this.name = place.name;
    this.#place = place;
    this.#parts = parts;
  }

  async list(query?: PresenceQuery): Promise<readonly PresenceMember[]> {
    const { by, signal } = readOptions("list", query, QUERY);
    // By id: a member that leaves and comes back between two pages may be on both.
    const members = new Map<string, PresenceMember>();
    let cursor: string | undefined;
    do {
      const page = await this.#page({ by, signal, limit: LIST_PAGE, cursor });
      for (const member of page.members) members.set(member.id, member);
      cursor = page.cursor;
    } while (cursor !== undefined);
    return [...members.values()].sort((one, other) => one.id < other.id ? -1 : 1);
  }

  async page(query?: PresencePageQuery): Promise<PresencePage> {
    return await this.#page(readOptions("page", query, PAGE));
  }

  async count(query?: PresenceQuery): Promise<number> {
    const { by, signal } = readOptions("count", query, QUERY);
    await owning(() => this.#parts.settled(signal), { signal });
    return await owning(() => this.#parts.source.count(this.#place.channel, by, signal), { signal });
  }

  on(
    event: "join" | "leave" | "update",
    listener: PresenceListener<unknown>,
    query?: Pick<PresenceQuery, "by">,
  ): () => void {
    if (!EVENTS.includes(event)) {
      throw new TypeError(`Cannot listen to "${event}" of presence: ${suggest(String(event), EVENTS)}`);
    }
    checkListener(listener, `presence.on("${event}")`);
    const { by } = readOptions("on", query, BY);
    return this.#parts.listeners.listen(this.#place.channel, by, {
      changed: ({ type, member }) => type === event ? listener(member) : undefined,
    });
  }

  set(conn: { readonly id: string }, state: unknown): void {
    owning(() => this.#parts.set(this.#place, idOf(conn), state));
  }

  [Symbol.asyncIterator](): ChangeReader {
    const { name, channel } = this.#place;
    return new ChangeReader(name, (listener) => this.#parts.listeners.listen(channel, "user", listener));
  }

  async #page(
    query: {
      readonly by: PresenceBy;
      readonly limit: number;
      readonly cursor?: string;
      readonly signal?: AbortSignal;
    },
  ): Promise<PresencePage> {
    const { signal } = query;
    await owning(() => this.#parts.settled(signal), { signal });
    const { entries, count, cursor } = await owning(
      () => this.#parts.source.page(this.#place.channel, query),
      { signal },
    );
    return {
      members: entries.map((entry) => toMember(query.by, entry)),
      count,
      ...(cursor !== undefined && { cursor }),
    };
  }
}

/**
 * The connections of this node that watch places: those that watch the same share a view, and the frames.
 *
 * @module
 */

import { type Clock, HubError, type PresenceBy } from "../../contract/mod.ts";
import type { HubErrorInfo } from "../api/options.ts";
import type { Connection } from "../connection/connection.ts";
import { Group } from "../groups/group.ts";
import type { OutgoingMessage } from "../outbox/outgoing_message.ts";
import type { PresenceSource } from "./source.ts";
import { View, type ViewNews, type ViewSnapshot } from "./view.ts";

/** What is watched. */
export interface Watched {
  /** The channel of the room or topic. */
  readonly place: string;
  /** Whom to count as one. */
  readonly by: PresenceBy;
}

/** What {@linkcode Watchers} needs. */
export interface WatchersOptions {
  /** Where it is known from who is where. */
  readonly source: Pick<PresenceSource, "follow">;
  /** Where time comes from. */
  readonly clock: Clock;
  /** How long to wait until everybody is known, in milliseconds. */
  readonly patienceMs: number;
  /** How long changes are gathered, in milliseconds. */
  readonly intervalMs: number;
  /** With more members only their number is told. */
  readonly maxListed: number;
  /** The same for how large they are together, in bytes. */
  readonly maxListedBytes: number;
  /** The messages of the wire that tell news; all watchers get the same. */
  messages(watched: Watched, news: ViewNews): Iterable<OutgoingMessage>;
  /** Reports news that could not be sent. */
  onError(error: unknown, info: HubErrorInfo): void;
}

/** A connection that waits until it is known who is there. */
interface Waiting {
  readonly begin: (snapshot: ViewSnapshot) => void;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** What is watched, and by whom. */
interface Audience {
  readonly watched: Watched;
  readonly view: View;
  readonly group: Group;
  readonly waiting: Map<Connection, Waiting>;
}

/** The connections that watch places. Whoever puts one in takes it out, also when it is gone. */
export class Watchers {
  readonly #options: WatchersOptions;
  /** By place and `by`. */
  readonly #audiences = new Map<string, Audience>();

  /** @param options What it needs. */
  constructor(options: WatchersOptions) {
    this.#options = options;
  }

  /** How many places are watched; those watched by user and by connection count twice. */
  get size(): number {
    return this.#audiences.size;
  }

  /**
   * A connection watches a place from now on: at once where it is known who is there and its link has room.
   *
   * @param watched What it watches; a connection watches one thing once.
   * @param conn The connection.
   * @param begin Called in the moment from which on it gets the news: sends the snapshot to its outbox.
   * @returns Resolves after `begin`. Rejects with `DISCONNECTED` when it is taken out before, with `UNAVAILABLE` when the hub
   * closes, with `BAD_REQUEST` when it watches that already, or with what `begin` throws: then it does not watch.
   */
  watch(watched: Watched, conn: Connection, begin: (snapshot: ViewSnapshot) => void): Promise<void> {
    const key = keyOf(watched);
    const audience = this.#audiences.get(key) ?? this.#open(key, watched);
    const { group, waiting, view } = audience;
    if (group.has(conn) || waiting.has(conn)) {
      return Promise.reject(
        new HubError("BAD_REQUEST", `Watching "${watched.place}" by ${watched.by} already`),
      );
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    waiting.set(conn, { begin, resolve, reject });
    if (view.begun) this.#enter(audience, conn);
    return promise;
  }

  /** A connection watches no more, or waits no more. Does nothing when it does neither. */
  unwatch(watched: Watched, conn: Connection): void {
    const audience = this.#audiences.get(keyOf(watched));
    if (!audience) return;
    const { waiting, group } = audience;
    const wait = waiting.get(conn);
    waiting.delete(conn);
    wait?.reject(new HubError("DISCONNECTED", `Stopped watching "${watched.place}" before all was known`));
    group.delete(conn);
    this.#release(audience);
  }

  /** Nobody watches any more. */
  close(): void {
    for (const audience of this.#audiences.values()) {
      this.#refuse(audience, new HubError("UNAVAILABLE", "The hub is closed"));
      audience.view.close();
    }
    this.#audiences.clear();
  }

  #open(key: string, watched: Watched): Audience {
    const { source, clock, intervalMs, patienceMs, maxListed, maxListedBytes } = this.#options;
    const view = new View({
      followed: source.follow(watched.place),
      by: watched.by,
      clock,
      intervalMs,
      patienceMs,
      maxListed,
      maxListedBytes,
      tell: (news) => this.#tell(audience, news),
    });
    const audience: Audience = { watched, view, group: new Group(), waiting: new Map() };
    this.#audiences.set(key, audience);
    view.ready.then(() => {
      for (const conn of [...audience.waiting.keys()]) this.#enter(audience, conn);
    }, (error) => this.#refuse(audience, error));
    return audience;
  }

  #enter(audience: Audience, conn: Connection): void {
    const { waiting, view, group } = audience;
    const wait = waiting.get(conn);
    if (!wait) return;
    if (conn.outbox.congested) { // lists are large: one at a time, as fast as the client reads
      return void conn.outbox.room().then(() => waiting.get(conn) === wait && this.#enter(audience, conn));
    }
    waiting.delete(conn);
    try {
      if (!conn.closed) wait.begin(view.snapshot());
      if (conn.closed) throw new HubError("DISCONNECTED", "The client is gone");
      group.add(conn);
      wait.resolve();
    } catch (error) {
      wait.reject(error);
      this.#release(audience);
    }
  }

  #refuse(audience: Audience, error: unknown): void {
    for (const { reject } of audience.waiting.values()) reject(error);
    audience.waiting.clear();
    this.#release(audience);
  }

  #release({ watched, view, group, waiting }: Audience): void {
    if (group.size > 0 || waiting.size > 0) return;
    view.close();
    const key = keyOf(watched);
    if (this.#audiences.get(key)?.view === view) this.#audiences.delete(key);
  }

  #tell({ watched, group }: Audience, news: ViewNews): void {
    const { messages, onError } = this.#options;
    try {
      for (const message of messages(watched, news)) group.deliver(message);
    } catch (error) {
      onError(error, { stage: "output", channel: watched.place });
    }
  }
}

const keyOf = ({ place, by }: Watched): string => `${by} ${place}`;

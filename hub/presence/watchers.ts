/**
 * The connections of this node that watch places. Connections that watch the same place share a view, and its frames.
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

/** A watched place. */
export interface Watched {
  /** The channel of the room or topic. */
  readonly place: string;
  /** What counts as one member: a user or a connection. */
  readonly by: PresenceBy;
}

/** The options of {@linkcode Watchers}. */
export interface WatchersOptions {
  /** The source of presence. */
  readonly source: Pick<PresenceSource, "follow">;
  /** The clock. */
  readonly clock: Clock;
  /** How long to wait until all members are known, in milliseconds. */
  readonly patienceMs: number;
  /** How long changes are gathered, in milliseconds. */
  readonly intervalMs: number;
  /** With more members, only their number is sent. */
  readonly maxListed: number;
  /** With a larger total size of members, in bytes, only their number is sent. */
  readonly maxListedBytes: number;
  /** Makes the messages of the wire for news. All watchers get the same messages. */
  messages(watched: Watched, news: ViewNews): Iterable<OutgoingMessage>;
  /** Called with an error when news could not be sent. */
  onError(error: unknown, info: HubErrorInfo): void;
}

/** A connection that waits until the members are known. */
interface Waiting {
  readonly begin: (snapshot: ViewSnapshot) => void;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** A watched place and its watchers. */
interface Audience {
  readonly watched: Watched;
  readonly view: View;
  readonly group: Group;
  readonly waiting: Map<Connection, Waiting>;
}

/** The connections that watch places. The caller of `watch` must call `unwatch`, also when the connection has ended. */
export class Watchers {
  readonly #options: WatchersOptions;
  /** By place and `by`. */
  readonly #audiences = new Map<string, Audience>();

  /** @param options Its options. */
  constructor(options: WatchersOptions) {
    this.#options = options;
  }

  /** How many places are watched. A place that is watched by user and by connection counts twice. */
  get size(): number {
    return this.#audiences.size;
  }

  /**
   * Adds a watcher of a place. It starts at once if the members are known and its link has room.
   *
   * @param watched The place. A connection can watch it only once.
   * @param conn The connection.
   * @param begin Called when the watch starts: sends the snapshot to the connection's outbox. News follow from then on.
   * @returns Resolves after `begin`. If the watch cannot start, rejects with the error of `begin`, or with one of these:
   * - `DISCONNECTED`: the connection was removed before.
   * - `UNAVAILABLE`: the hub closes.
   * - `BAD_REQUEST`: the connection watches the place already.
   */
  watch(watched: Watched, conn: Connection, begin: (snapshot: ViewSnapshot) => void): Promise<void> {
    const key = keyOf(watched);
    const audience = this.#audiences.get(key) ?? this.#open(key, watched);
    const { group, waiting, view } = audience;
    if (group.has(conn) || waiting.has(conn)) {
      return Promise.reject(
        new HubError("BAD_REQUEST", `Already watching "${watched.place}" by ${watched.by}`),
      );
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    waiting.set(conn, { begin, resolve, reject });
    if (view.begun) this.#enter(audience, conn);
    return promise;
  }

  /** Removes a watcher, also one that still waits. Does nothing for other connections. */
  unwatch(watched: Watched, conn: Connection): void {
    const audience = this.#audiences.get(keyOf(watched));
    if (!audience) return;
    const { waiting, group } = audience;
    const wait = waiting.get(conn);
    waiting.delete(conn);
    wait?.reject(
      new HubError("DISCONNECTED", `Stopped watching "${watched.place}" before all members were known`),
    );
    group.delete(conn);
    this.#release(audience);
  }

  /** Removes all watchers. */
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
    if (conn.outbox.congested) { // lists are large: send one at a time, as fast as the client reads
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

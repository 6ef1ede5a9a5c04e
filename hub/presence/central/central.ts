/**
 * Presence from a store that all nodes share. This node writes its own connections to the store, and sends its
 * changes to the others over the backplane. It knows connections of other nodes only in the places that it follows.
 *
 * Each change carries its version from the store. So a lost message is noticed at the next change, or at the next
 * renewal of the lease. Then the place is read from the store.
 *
 * @module
 */

import type {
  PlaceWrite,
  PresenceRemoval,
  PresenceStore,
  StoredEntry,
  StoredEntryQuery,
} from "../../../adapters/presence_store.ts";
import { type Clock, HubError, type Position, type PresenceBy, readJson } from "../../../contract/mod.ts";
import type { HubErrorInfo } from "../../api/options.ts";
import type { Backplane } from "../../backplane/backplane.ts";
import { placeChannel, placeOf } from "../../backplane/channels.ts";
import { withDeadline } from "../../backplane/deadline.ts";
import { asNewest, type PresenceEntry } from "../place.ts";
import type { EntryPage, EntryQuery, Followed, PresenceSource } from "../source.ts";
import { fromPut, toPut } from "./entries.ts";
import { Leases } from "./leases.ts";
import { Mirror, type MirrorChange } from "./mirror.ts";
import { OwnPlaces } from "./own_places.ts";
import { Pages } from "./pages.ts";
import { PlaceReader } from "./place_reader.ts";

/** The options of {@linkcode CentralPresence}. */
export interface CentralOptions {
  readonly store: PresenceStore;
  readonly backplane: Backplane;
  readonly clock: Clock;
  readonly nodeId: string;
  /** How long a node may be silent before its entries are purged, in milliseconds. */
  readonly nodeTimeoutMs: number;
  /** How long the entries of a node stay after it has left, in milliseconds. */
  readonly leaveAfterMs: number;
  /** How long the store may take to answer, in milliseconds. */
  readonly storeTimeoutMs: number;
  /**
   * Parses a state from the store or another node.
   *
   * @throws An error that is reported; the member is then shown without a state.
   */
  parse(place: string, state: unknown): unknown;
  onError(error: unknown, info: HubErrorInfo): void;
}

/** A followed place, and the number of its followers. */
interface FollowedPlace {
  readonly mirror: Mirror;
  followers: number;
  release(): void;
}

/** See the module. */
export class CentralPresence implements PresenceSource {
  readonly #options: CentralOptions;
  readonly #own: OwnPlaces;
  readonly #leases: Leases;
  readonly #reader: PlaceReader;
  readonly #pages: Pages;
  readonly #followed = new Map<string, FollowedPlace>();
  /** Whether the present outage of the store was reported. */
  #toldFailure = false;
  /** Whether a call has failed since the last renewal of the lease. */
  #hasFailed = false;
  readonly known: Promise<void>;
  /** Empty: each place has its own channel, and only its followers listen to it. */
  readonly channels: readonly string[] = [];
  readonly #held = Promise.withResolvers<void>();
  #closing: Promise<void> | undefined;
  /** Aborted when this node needs the store no more. */
  readonly #ended = new AbortController();

  /** @param options Its options. */
  constructor(options: CentralOptions) {
    this.#options = options;
    this.known = this.#held.promise;
    this.known.catch(() => {}); // callers that wait get the error
    const { store, backplane, clock, nodeId, nodeTimeoutMs, leaveAfterMs } = options;
    this.#own = new OwnPlaces({
      clock,
      write: (place, write) =>
        this.#within(`Cannot write the members of "${place}"`, () => store.write(nodeId, place, write)),
      onWritten: (place, write, { version, changed, dropped }) => {
        if (changed) this.#tell(place, version, { ...write, drop: dropped });
      },
      onFailed: (error, place) => this.#failed(error, placeChannel(place)),
    });
    const read = (place: string, query: StoredEntryQuery) =>
      this.#within(`Cannot read members of "${place}"`, (signal) => store.read(place, { ...query, signal }));
    this.#reader = new PlaceReader(read);
    this.#pages = new Pages({
      clock,
      reader: this.#reader,
      mirror: (place) => this.#followed.get(place)?.mirror,
      read,
      parse: (place, entry) => this.#parse(place, entry),
    });
    this.#leases = new Leases({
      store,
      clock,
      nodeId,
      ttlMs: nodeTimeoutMs,
      leaveAfterMs,
      within: (what, call) => this.#within(what, call),
      counts: () => this.#own.counts,
      onHeld: () => {
        this.#own.open();
        this.#held.resolve();
      },
      onLost: (places) => this.#own.doubt(places),
      check: () => this.#compare(false),
      onRemoved: (removal) => this.#removed(removal),
      onAway: () => this.#distrust(),
      onFailed: (error) => this.#failed(error),
      onFine: () => this.#fine(),
    });
    backplane.on("in", ([, epoch, number, put, drop], from, channel) => {
      const followed = this.#followed.get(placeOf(channel));
      if (!followed) return;
      const change = put && drop && { put: put.map((one) => fromPut(one, from)), drop };
      followed.mirror.changed([epoch, number], change);
    });
  }

  put(place: string, entry: PresenceEntry): void {
    const known = this.#followed.get(place)?.mirror.place;
    // A store compares times alone. So an entry without a state gets time 0, to stay behind entries with a state.
    const kept = entry.state === undefined ? { ...entry, at: 0 } : asNewest(known, entry);
    known?.put(kept);
    this.#own.put(place, kept);
  }

  drop(place: string, id: string): void {
    this.#followed.get(place)?.mirror.place.drop(id);
    this.#own.drop(place, id);
  }

  follow(name: string): Followed {
    const followed = this.#followed.get(name) ?? this.#open(name);
    followed.followers++;
    const { mirror } = followed;
    let released = false;
    return {
      place: mirror.place,
      ready: mirror.ready,
      get whole() {
        return mirror.whole;
      },
      onWhole: (listener) => mirror.onWhole(listener),
      release: () => {
        if (released) return;
        released = true;
        if (--followed.followers === 0) this.#release(name, followed);
      },
    };
  }

  count(name: string, by: PresenceBy, signal?: AbortSignal): number | Promise<number> {
    const known = () => {
      const mirror = this.#followed.get(name)?.mirror;
      return mirror?.whole ? mirror.place.count(by) : undefined;
    };
    const { store } = this.#options;
    const what = `Cannot count the members of "${name}"`;
    const ask = async () => known() ?? await this.#within(what, () => store.count(name, by));
    return known() ?? this.#asked(name, signal, ask);
  }

  page(name: string, { signal, ...query }: EntryQuery): EntryPage | Promise<EntryPage> {
    return this.#asked(name, signal, () => this.#pages.read(name, query));
  }

  size(): { readonly places: number; readonly members: number } {
    let { places, members } = this.#own.size(new Set(this.#followed.keys()));
    for (const { mirror } of this.#followed.values()) {
      places++;
      members += mirror.place.count("connection");
    }
    return { places, members };
  }

  start(): void {
    this.#leases.start();
  }

  reachable(isUp: boolean): void {
    if (isUp) {
      // The store may be the same server as the backplane, and may have lost its last writes. So all places are read.
      this.#leases.hurry();
      for (const { mirror } of this.#followed.values()) mirror.read();
    } else this.#distrust();
  }

  missed(channels?: readonly string[]): void {
    const names = channels?.map(placeOf) ?? [...this.#followed.keys()];
    if (!names.some((name) => this.#followed.has(name))) return;
    this.#compare(true).catch((error) => {
      this.#failed(error);
      for (const { mirror } of this.#followed.values()) mirror.read(); // it is retried until it succeeds
    });
  }

  /** Nothing to do: a new node sends its changes. */
  join(): void {}

  leave(node: string): void {
    this.#leases.gone(node);
  }

  isGone(node: string): boolean {
    return this.#leases.isGone(node);
  }

  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    const closed = new HubError("UNAVAILABLE", "Cannot list members: the hub is closed");
    this.#held.reject(closed);
    this.#pages.close();
    await this.#own.close();
    await this.#leases.close();
    this.#ended.abort(closed);
    const { store, nodeId } = this.#options;
    for (const [name, followed] of this.#followed) this.#release(name, followed);
    await store.close?.(nodeId);
  }

  #open(name: string): FollowedPlace {
    const { backplane, clock, nodeId, nodeTimeoutMs } = this.#options;
    const mirror = new Mirror({
      name,
      clock,
      nodeId,
      own: this.#own.entries(name),
      reader: this.#reader,
      graceMs: nodeTimeoutMs / 2,
      isUp: () => backplane.status === "up",
      parse: (entry) => this.#parse(name, entry),
      onOwn: (ids) => this.#own.compare(name, ids),
      onFailed: (error) => this.#failed(error, placeChannel(name)),
    });
    const { release } = backplane.interest.keep(placeChannel(name), () => mirror.hear());
    const followed = { mirror, followers: 0, release };
    this.#followed.set(name, followed);
    return followed;
  }

  #distrust(): void {
    for (const { mirror } of this.#followed.values()) mirror.distrust();
  }

  #release(name: string, { mirror, release }: FollowedPlace): void {
    if (!this.#followed.delete(name)) return;
    release();
    mirror.close();
  }

  /** Asks the store, after this node's pending writes and the first read of its mirror. */
  async #asked<T>(name: string, signal: AbortSignal | undefined, ask: () => Promise<T>): Promise<T> {
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    const abort = () => reject(signal!.reason);
    signal?.throwIfAborted();
    signal?.addEventListener("abort", abort);
    try {
      return await Promise.race([aborted, this.#prepared(name).then(ask)]);
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  async #prepared(name: string): Promise<void> {
    const mirror = this.#followed.get(name)?.mirror;
    if (mirror?.whole) return;
    // A new follower of the place must get all changes that are not in the answer.
    const ready = mirror &&
      this.#within(`Cannot list the members of "${name}"`, () => mirror.ready.catch(() => {}));
    await Promise.all([this.#own.settled(name), ready]);
  }

  /** Compares the mirrors with the versions in the store. */
  async #compare(strict: boolean): Promise<void> {
    const names = [...this.#followed.keys()];
    if (names.length === 0) return;
    const { store } = this.#options;
    const versions = await this.#within("Cannot compare members with the store", () => store.versions(names));
    for (const [i, name] of names.entries()) {
      const version = versions[i];
      if (version) this.#followed.get(name)?.mirror.compare(version, strict);
    }
  }

  /** Sends a change of this node to the followers of the place. */
  #tell(place: string, version: Position, { put, drop }: PlaceWrite): void {
    this.#followed.get(place)?.mirror.changed(version, { put, drop });
    this.#publish(place, version, { put, drop });
  }

  #removed({ place, version, ids }: PresenceRemoval): void {
    this.#tell(place, version, { put: [], drop: ids });
  }

  #publish(place: string, [epoch, number]: Position, { put, drop }: MirrorChange): void {
    const { backplane } = this.#options;
    const channel = placeChannel(place);
    try {
      backplane.publish(channel, ["in", epoch, number, put.map(toPut), drop]);
    } catch {
      // The change is too large for the backplane, so the followers read the place.
      try {
        backplane.publish(channel, ["in", epoch, number]);
      } catch (error) {
        // The epoch alone is too large. The followers notice the change when they renew their leases.
        this.#failed(error, channel);
      }
    }
  }

  #parse(place: string, { state, ...entry }: StoredEntry): PresenceEntry {
    const { parse, onError } = this.#options;
    try {
      return { ...entry, state: state === undefined ? undefined : parse(place, readJson(state)) };
    } catch (cause) {
      const error = new HubError("BAD_REQUEST", `Cannot read the state of ${entry.id}`, { cause });
      onError(error, { stage: "delivery", channel: placeChannel(place), connectionId: entry.id });
      return { ...entry, state: undefined };
    }
  }

  #within<T>(what: string, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { store, clock, storeTimeoutMs } = this.#options;
    // An async function, so that an error that a store throws becomes a rejection.
    const answer = withDeadline(
      clock,
      storeTimeoutMs,
      `${what} in ${store.name}`,
      async (signal) => await call(signal),
      this.#ended.signal,
    );
    return Promise.resolve(answer);
  }

  /** Ends the outage if no call has failed since the last renewal. Earlier calls may fail late. */
  #fine(): void {
    if (!this.#hasFailed) this.#toldFailure = false;
    this.#hasFailed = false;
  }

  /** Reports an error once per outage. The failed calls are retried until they succeed. */
  #failed(error: unknown, channel?: string): void {
    this.#hasFailed = true;
    if (this.#toldFailure || this.#closing) return;
    this.#toldFailure = true;
    this.#options.onError(error, { stage: "publish", ...(channel !== undefined && { channel }) });
  }
}

/**
 * Central presence in Redis. See docs/decisions/0042-presence-in-redis.md.
 *
 * @module
 */

import type { Position, PresenceBy } from "../../../../contract/mod.ts";
import type {
  LeaseTouched,
  PlaceWrite,
  PlaceWritten,
  PresenceLease,
  PresenceStore,
  PurgeOptions,
  StoredEntryPage,
  StoredEntryQuery,
} from "../../../presence_store.ts";
import { Batches, type RedisReach } from "../reach.ts";
import { readEntry, readName, shown, writeEntry, writeName } from "./rows.ts";
import { COUNT, ENTER, EXPIRED, FORGET, LOOK, PURGE, READ, RENEW, TOUCH, WRITE } from "./scripts.ts";

/** How long keys live without renewal: this many times as long as a lease, but at least `MIN_KEEP_MS`. */
const KEEP_LEASES = 40;
const MIN_KEEP_MS = 60_000;
/** Places are renewed and counted at every tenth touch. */
const RENEW_EVERY = 10;
/**
 * How many places to purge at once, and how many connections one script purges. Redis does nothing else while a script
 * runs.
 */
const PURGED_PLACES = 100;
const PURGED_CONNECTIONS = 500;
/** The most expired nodes in one answer. */
const MAX_EXPIRED = 100;
/** The most names in one command. */
const MAX_NAMES = 1_000;

/** This process's knowledge of a node's lease. */
interface Lease {
  /** The number of this lease. Data with a lower number belongs to an earlier lease, which was lost. */
  generation: number;
  /** How long to keep keys, in milliseconds. */
  keepMs: number;
  touches: number;
  /** The places in the node's index, and the touch at which each was last written. */
  readonly indexed: Map<string, number>;
}

/**
 * Makes a store over the connections of an adapter.
 *
 * @param name The adapter's name.
 * @param reach The adapter's servers.
 */
export function createRedisPresence(name: string, reach: RedisReach): PresenceStore {
  return new RedisPresence(name, reach);
}

class RedisPresence implements PresenceStore {
  readonly name: string;
  readonly #reach: RedisReach;
  readonly #redis: Batches;
  readonly #leases = new Map<string, Lease>();
  #writes = 0;

  constructor(name: string, reach: RedisReach) {
    this.name = name;
    this.#reach = reach;
    this.#redis = new Batches(reach);
  }

  async touch(node: string, { ttlMs, places }: PresenceLease): Promise<LeaseTouched> {
    const lease = this.#leases.get(node) ?? { generation: 0, keepMs: 0, touches: 0, indexed: new Map() };
    lease.keepMs = Math.max(MIN_KEEP_MS, KEEP_LEASES * ttlMs, lease.keepMs);
    const [ttl, keep] = [String(Math.ceil(ttlMs)), String(Math.ceil(lease.keepMs))];
    const [part, key] = this.#leaseKey(node);
    const [listPart, list] = this.#list();
    const [touched] = await Promise.all([
      this.#redis.run(part, TOUCH, [key], String(lease.generation), ttl, keep),
      this.#redis.run(listPart, ENTER, [list], writeName(node), ttl, keep),
    ]);
    const [kept, generation] = touched as [number, number];
    this.#leases.set(node, lease);
    lease.generation = generation;
    if (kept === 0) lease.indexed.clear();
    const renews = kept === 1 && ++lease.touches % RENEW_EVERY === 0;
    return { kept: kept === 1, lost: renews ? await this.#renew(node, lease, places) : [] };
  }

  async write(node: string, place: string, { put, drop, all = false }: PlaceWrite): Promise<PlaceWritten> {
    const lease = this.#leases.get(node);
    if (!lease) throw new Error(`Cannot write for node ${node}: it has no lease`);
    const write = String(++this.#writes);
    const { generation, keepMs } = lease;
    const [part, keys] = this.#placeKeys(place);
    let indexing: Promise<unknown> | undefined;
    if (!lease.indexed.has(place)) {
      indexing = this.#index(node, generation, keepMs, [place]);
      // On the same server, the index is written first, in the same write.
      if (part !== this.#leaseKey(node)[0]) await indexing;
    }
    lease.indexed.set(place, lease.touches);
    const writing = this.#redis.run(
      part,
      WRITE,
      keys,
      writeName(node),
      String(generation),
      write,
      crypto.randomUUID(),
      String(Math.ceil(keepMs)),
      all ? "1" : "0",
      String(put.length),
      ...put.flatMap(writeEntry),
      ...(all ? [] : drop.map(writeName)),
    );
    const [reply] = await Promise.all([writing, indexing]).catch((error) => {
      if (indexing) lease.indexed.delete(place);
      throw error;
    });
    const [epoch, number, changed, dropped] = reply as [string, number, number, string[]];
    return { version: [epoch, number], changed: changed === 1, dropped: dropped.map(readName) };
  }

  async read(place: string, { by, limit, cursor, signal }: StoredEntryQuery): Promise<StoredEntryPage> {
    signal?.throwIfAborted();
    const [part, keys] = this.#placeKeys(place);
    const reply = await this.#redis.run(part, READ, keys, kindOf(by), startOf(by, cursor), String(limit));
    const [epoch, number, count, rows, more] = reply as [string, number, number, string[], string];
    const entries = [];
    for (let i = 0; i < rows.length; i += 2) {
      const entry = readEntry(rows[i]!, rows[i + 1]!);
      if (entry) entries.push(entry);
    }
    return {
      version: [epoch, number],
      entries: by === "user" ? shown(entries) : entries,
      count,
      ...(more !== "" && { cursor: more }),
    };
  }

  async count(place: string, by: PresenceBy): Promise<number> {
    const [part, keys] = this.#placeKeys(place);
    return Number(await this.#redis.run(part, COUNT, keys, kindOf(by)));
  }

  async versions(places: readonly string[]): Promise<readonly Position[]> {
    return await Promise.all(places.map(async (place): Promise<Position> => {
      const [part, [key]] = this.#placeKeys(place);
      const [epoch, number] = await this.#redis.send(
        part,
        "HMGET",
        key!,
        "epoch",
        "number",
      ) as (string | null)[];
      return [epoch ?? "", Number(number ?? 0)];
    }));
  }

  async expired(): Promise<readonly string[]> {
    const [part, key] = this.#list();
    return (await this.#redis.run(part, EXPIRED, [key], String(MAX_EXPIRED)) as string[]).map(readName);
  }

  async purge(node: string, { anyway = false, onRemoved }: PurgeOptions): Promise<number> {
    const [part, key] = this.#leaseKey(node);
    const [generation, left] = await this.#redis.run(part, LOOK, [key]) as [number, number];
    if (left > 0 && !anyway) return left;
    let isForgotten = true;
    if (generation > 0) {
      const index = this.#indexKey(node, generation);
      for (;;) {
        const count = String(PURGED_PLACES);
        const places = await this.#redis.send(part, "SRANDMEMBER", index, count) as string[];
        if (places.length === 0) break;
        await Promise.all(places.map((place) => this.#purgePlace(node, generation, place, onRemoved)));
        await this.#redis.send(part, "SREM", index, ...places);
      }
      const args = [String(generation), anyway ? "1" : "0"];
      isForgotten = await this.#redis.run(part, FORGET, [key, index], ...args) === 1;
    }
    const [listPart, list] = this.#list();
    if (isForgotten) await this.#redis.send(listPart, "ZREM", list, writeName(node));
    return 0;
  }

  close(node: string): void {
    this.#leases.delete(node);
  }

  async #purgePlace(
    node: string,
    generation: number,
    place: string,
    onRemoved: PurgeOptions["onRemoved"],
  ): Promise<void> {
    const [part, keys] = this.#placeKeys(place);
    for (let left = 1; left > 0;) {
      const args = [writeName(node), String(generation), String(PURGED_CONNECTIONS)];
      const reply = await this.#redis.run(part, PURGE, keys, ...args) as [string, number, number, string[]];
      const [epoch, number, rest, removed] = reply;
      if (removed.length > 0) onRemoved({ place, version: [epoch, number], ids: removed.map(readName) });
      left = rest;
    }
  }

  /** Adds places to the index of a node. A purge finds the places in the index. */
  async #index(node: string, generation: number, keepMs: number, places: readonly string[]): Promise<void> {
    const [part] = this.#leaseKey(node);
    const key = this.#indexKey(node, generation);
    const sent: Promise<unknown>[] = [];
    for (let i = 0; i < places.length; i += MAX_NAMES) {
      sent.push(this.#redis.send(part, "SADD", key, ...places.slice(i, i + MAX_NAMES)));
    }
    sent.push(this.#redis.send(part, "PEXPIRE", key, String(Math.ceil(keepMs))));
    await Promise.all(sent);
  }

  /** Keeps the places of a node longer, and forgets those that it has left. */
  async #renew(node: string, lease: Lease, places: ReadonlyMap<string, number>): Promise<string[]> {
    const { generation, keepMs, indexed, touches } = lease;
    const lost: string[] = [];
    await this.#index(node, generation, keepMs, [...places.keys()]);
    await Promise.all([...places].map(async ([place, count]) => {
      indexed.set(place, touches);
      const [part, keys] = this.#placeKeys(place);
      const args = [writeName(node), String(Math.ceil(keepMs))];
      if (await this.#redis.run(part, RENEW, keys, ...args) !== count) lost.push(place);
    }));
    await this.#leaveIndex(node, lease);
    return lost;
  }

  /**
   * Forgets places that the node left some time ago. It sends all commands at once, so a later write to a place comes
   * after them.
   */
  async #leaveIndex(node: string, { generation, indexed, touches }: Lease): Promise<void> {
    const old = [...indexed].filter(([, touch]) => touch <= touches - RENEW_EVERY).map(([place]) => place);
    const [part] = this.#leaseKey(node);
    const index = this.#indexKey(node, generation);
    await Promise.all(old.flatMap((place) => {
      indexed.delete(place);
      const [placePart, [head]] = this.#placeKeys(place);
      return [
        this.#redis.send(part, "SREM", index, place),
        this.#redis.send(placePart, "HDEL", head!, `w:${writeName(node)}`),
      ];
    }));
  }

  #placeKeys(place: string): [part: number, keys: readonly string[]] {
    const part = this.#reach.partOf(place);
    const keys = this.#reach.keysOf(part);
    return [part, ["v", "e", "c", "m", "u"].map((kind) => `${keys}${kind}:${place}`)];
  }

  #leaseKey(node: string): [part: number, key: string] {
    const part = this.#reach.partOf(node);
    return [part, `${this.#reach.keysOf(part)}lease:${node}`];
  }

  #indexKey(node: string, generation: number): string {
    const part = this.#reach.partOf(node);
    return `${this.#reach.keysOf(part)}places:${generation}:${node}`;
  }

  #list(): [part: number, key: string] {
    const part = this.#reach.partOf("");
    return [part, `${this.#reach.keysOf(part)}nodes`];
  }
}

const kindOf = (by: PresenceBy): string => by === "user" ? "m" : "c";

/**
 * Where a page begins in Redis' order: after a connection, or after all connections of a member. A member's name may be
 * empty, so a sign stands before it in the cursor. A cursor that a client made up is a point between two rows as well.
 */
function startOf(by: PresenceBy, cursor: string | undefined): string {
  if (cursor === undefined) return "-";
  const last = cursor.slice(1);
  return by === "user" ? `[${last}\x01` : `(${last}`;
}

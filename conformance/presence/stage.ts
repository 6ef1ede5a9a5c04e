import type {
  LeaseTouched,
  PlaceWrite,
  PlaceWritten,
  PresenceRemoval,
  PresenceStore,
  StoredEntry,
  StoredEntryPage,
} from "../../adapters/presence_store.ts";
import type { Position, PresenceBy } from "../../contract/mod.ts";
import { check, settles } from "../check.ts";
import type { PresenceStoreSetup } from "./setup.ts";

/** Longer than any case takes. */
const LONG_MS = 600_000;

/** The parts of an entry that a case may set. The others have defaults. */
export type EntryParts = Partial<Omit<StoredEntry, "id" | "node">>;

/** One node with its store. Every call on it has a timeout. */
export class PresenceNode {
  readonly id: string;
  readonly store: PresenceStore;
  readonly #waitMs: number;

  constructor(id: string, store: PresenceStore, waitMs: number) {
    this.id = id;
    this.store = store;
    this.#waitMs = waitMs;
  }

  touch(ttlMs: number = LONG_MS, places: Readonly<Record<string, number>> = {}): Promise<LeaseTouched> {
    const lease = { ttlMs, places: new Map(Object.entries(places)) };
    return settles(this.store.touch(this.id, lease), "touch", this.#waitMs);
  }

  entry(id: string, parts: EntryParts = {}): StoredEntry {
    return { id, user: undefined, node: this.id, state: undefined, at: 1, ...parts };
  }

  write(place: string, write: Partial<PlaceWrite>): Promise<PlaceWritten> {
    return settles(this.store.write(this.id, place, { put: [], drop: [], ...write }), "write", this.#waitMs);
  }

  put(place: string, id: string, parts?: EntryParts): Promise<PlaceWritten> {
    return this.write(place, { put: [this.entry(id, parts)] });
  }

  drop(place: string, ...ids: string[]): Promise<PlaceWritten> {
    return this.write(place, { drop: ids });
  }

  page(
    place: string,
    by: PresenceBy = "connection",
    limit = 1_000,
    cursor?: string,
  ): Promise<StoredEntryPage> {
    const query = { by, limit, ...(cursor === undefined ? {} : { cursor }) };
    return settles(this.store.read(place, query), "read", this.#waitMs);
  }

  /** Reads all members, page by page. */
  async all(place: string, by: PresenceBy = "connection", limit = 1_000): Promise<StoredEntry[]> {
    const entries: StoredEntry[] = [];
    let cursor: string | undefined;
    for (;;) {
      const page = await this.page(place, by, limit, cursor);
      check(page.entries.length <= limit, `A page has ${page.entries.length} members, more than ${limit}`);
      check(page.entries.length > 0 || page.cursor === undefined, "A page is empty, and not the last one");
      entries.push(...page.entries);
      if (page.cursor === undefined) return entries;
      cursor = page.cursor;
    }
  }

  /** The ids of all connections, sorted. */
  async ids(place: string): Promise<string[]> {
    return (await this.all(place)).map(({ id }) => id).sort();
  }

  count(place: string, by: PresenceBy): Promise<number> {
    return settles(this.store.count(place, by), "count", this.#waitMs);
  }

  async version(place: string): Promise<Position> {
    const [version] = await settles(this.store.versions([place]), "versions", this.#waitMs);
    check(version, "The answer has no version");
    return version;
  }

  expired(): Promise<readonly string[]> {
    return settles(this.store.expired(), "expired", this.#waitMs);
  }

  /** Purges a node. Returns what was removed, and how long its lease still lasts. */
  async purge(node: string, anyway = false): Promise<{ removals: PresenceRemoval[]; left: number }> {
    const removals: PresenceRemoval[] = [];
    const purging = this.store.purge(node, { anyway, onRemoved: (removal) => void removals.push(removal) });
    return { left: await settles(purging, "purge", this.#waitMs), removals };
  }

  async close(): Promise<void> {
    await settles(Promise.resolve(this.store.close?.(this.id)), "close", this.#waitMs);
  }
}

/** One behaviour to test. */
export interface PresenceCase {
  readonly name: string;
  /** Returns what the setup lacks for this case; `undefined` if nothing. */
  readonly needs?: (setup: PresenceStoreSetup) => string | undefined;
  run(stage: PresenceStage): Promise<void>;
}

/** The nodes of a case. They share one storage, under a prefix that no other case uses. */
export class PresenceStage {
  readonly waitMs: number;
  readonly ttlMs: number;
  readonly #prefix = `conformance-${crypto.randomUUID()}`;
  readonly #setup: PresenceStoreSetup;
  readonly #nodes: PresenceNode[] = [];

  constructor(setup: PresenceStoreSetup) {
    this.#setup = setup;
    this.waitMs = setup.waitMs ?? 10_000;
    this.ttlMs = setup.ttlMs ?? 300;
  }

  /** Makes another node, with a lease. */
  async node(ttlMs?: number): Promise<PresenceNode> {
    const node = await this.#create(this.#prefix);
    await node.touch(ttlMs);
    return node;
  }

  /** Makes a node of another application. */
  async stranger(): Promise<PresenceNode> {
    const node = await this.#create(`${this.#prefix}-2`);
    await node.touch();
    return node;
  }

  /** Deletes all stored data. */
  async forget(): Promise<void> {
    await this.#setup.forget?.({ prefix: this.#prefix });
  }

  async end(): Promise<void> {
    for (const node of this.#nodes) {
      await node.purge(node.id, true).catch(() => {}); // removes what the case left
      await node.close();
    }
  }

  async #create(prefix: string): Promise<PresenceNode> {
    const store = await this.#setup.create({ prefix });
    const node = new PresenceNode(crypto.randomUUID(), store, this.waitMs);
    this.#nodes.push(node);
    return node;
  }
}

/**
 * What the tests of central presence are played with: nodes on a bus and a store in memory, on a clock that stands still, and
 * a store that can be taken away.
 *
 * @module
 */

import { createMemoryAdapter, createMemoryBus, type MemoryBus } from "../../adapters/memory.ts";
import { createMemoryPresence, type MemoryPresence } from "../../adapters/memory_presence/mod.ts";
import type { PresenceStore } from "../../adapters/presence_store.ts";
import { Backplane } from "../../hub/backplane/backplane.ts";
import { CentralPresence } from "../../hub/presence/central/central.ts";
import type { PlaceChange, PresenceEntry } from "../../hub/presence/place.ts";
import type { Followed } from "../../hub/presence/source.ts";
import { FakeClock } from "../fake_clock.ts";

/** How long a node may be silent, in the tests. */
export const NODE_TIMEOUT_MS = 30_000;

/** Runs all work that needs no time. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 500; i++) await Promise.resolve();
}

/** A place that is followed, and what was told of it. */
export interface Watch {
  readonly followed: Followed;
  /** `+id`, `-id` and `*id`, in order. */
  readonly told: string[];
  readonly wholes: boolean[];
}

/** One node. */
export interface CentralNode {
  readonly id: string;
  readonly source: CentralPresence;
  readonly backplane: Backplane;
  readonly errors: unknown[];
  /** The store's faults for this node. */
  readonly store: Switched;
  put(place: string, id: string, parts?: Partial<PresenceEntry>): void;
  follow(place: string): Watch;
}

/** Whether a store works: away it never answers, broken it refuses. */
export interface Switched extends PresenceStore {
  mode: "fine" | "away" | "broken";
  /** How often each method was called. */
  readonly calls: Record<string, number>;
  /** Called after a page was read, before the node has it. */
  afterRead: () => Promise<void>;
  /** Reads in place of the store. */
  replace?: PresenceStore["read"];
}

/** Everything. */
export interface CentralScene {
  readonly clock: FakeClock;
  readonly bus: MemoryBus;
  readonly store: MemoryPresence;
  node(options?: { leaveAfterMs?: number; maxMessageBytes?: number }): Promise<CentralNode>;
  /** Moves time on in small steps, as a process that is never busy. */
  pass(ms: number): Promise<void>;
}

/** Makes a scene. */
export function createScene(): CentralScene {
  const clock = new FakeClock();
  const bus = createMemoryBus();
  const store = createMemoryPresence({ clock });
  let last = 0;
  return {
    clock,
    bus,
    store,
    async pass(ms) {
      for (let left = ms; left > 0; left -= 50) {
        clock.advance(Math.min(left, 50));
        await settle();
      }
    },
    async node({ leaveAfterMs = 0, maxMessageBytes } = {}) {
      const id = `node${++last}`;
      const errors: unknown[] = [];
      const switched = switchable(store);
      const adapter = createMemoryAdapter({ bus });
      if (maxMessageBytes) Object.defineProperty(adapter, "maxMessageBytes", { value: maxMessageBytes });
      const backplane: Backplane = new Backplane({
        adapter,
        nodeId: id,
        subscribeTimeoutMs: 10_000,
        clock,
        onError: (error) => void errors.push(error),
        onStatus: (status) => source.reachable(status === "up"),
        onGap: (channels) => source.missed(channels),
        onNodeGone: () => {},
        onHeard: () => {},
      });
      const source: CentralPresence = new CentralPresence({
        store: switched,
        backplane,
        clock,
        nodeId: id,
        nodeTimeoutMs: NODE_TIMEOUT_MS,
        leaveAfterMs,
        storeTimeoutMs: 10_000,
        parse: (_place, state) => {
          if (state === "bad") throw new Error("No state");
          return state;
        },
        onError: (error) => void errors.push(error),
      });
      await backplane.open();
      source.start();
      await source.known;
      return {
        id,
        source,
        backplane,
        errors,
        store: switched,
        put: (place, conn, parts) =>
          source.put(place, {
            id: conn,
            user: undefined,
            node: id,
            state: undefined,
            at: clock.now(),
            ...parts,
          }),
        follow: (place) => watch(source.follow(place)),
      };
    },
  };
}

/** Writes down what is told of a place. */
function watch(followed: Followed): Watch {
  const told: string[] = [];
  const wholes: boolean[] = [];
  followed.onWhole((whole) => void wholes.push(whole));
  followed.place.onChange(({ before, after }: PlaceChange) => {
    told.push(`${before && after ? "*" : after ? "+" : "-"}${(after ?? before)!.id}`);
  });
  return { followed, told, wholes };
}

/** The ids of those in a place, sorted. */
export function idsOf({ followed }: Watch): string[] {
  return [...followed.place.entries()].map(({ id }) => id).sort();
}

function switchable(store: MemoryPresence): Switched {
  const calls: Record<string, number> = {};
  const switched: Pick<Switched, "name" | "mode" | "calls" | "afterRead" | "replace"> = {
    name: store.name,
    mode: "fine",
    calls,
    afterRead: () => Promise.resolve(),
  };
  const through =
    <A extends unknown[], T>(name: string, call: (...args: A) => Promise<T>) => (...args: A): Promise<T> => {
      calls[name] = (calls[name] ?? 0) + 1;
      if (switched.mode === "away") return new Promise(() => {});
      if (switched.mode === "broken") return Promise.reject(new Error("The store is broken"));
      return call(...args);
    };
  return Object.assign(switched, {
    // A store that has made a new lease need not look at places as well.
    touch: through("touch", async (...args: Parameters<PresenceStore["touch"]>) => {
      const touched = await store.touch(...args);
      return touched.kept ? touched : { kept: false, lost: [] };
    }),
    write: through("write", store.write.bind(store)),
    read: through("read", async (...args: Parameters<PresenceStore["read"]>) => {
      const page = await (switched.replace ?? store.read.bind(store))(...args);
      await switched.afterRead();
      return page;
    }),
    count: through("count", store.count.bind(store)),
    versions: through("versions", store.versions.bind(store)),
    expired: through("expired", store.expired.bind(store)),
    purge: through("purge", store.purge.bind(store)),
  });
}

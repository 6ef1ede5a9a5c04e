/**
 * The store of central presence, as processes reach it over the virtual network: it takes its time, is away, forgets, and does
 * things of which nobody hears.
 *
 * @module
 */

import { createMemoryPresence, type MemoryPresence } from "../../adapters/memory_presence/mod.ts";
import type { PresenceRemoval, PresenceStore } from "../../adapters/presence_store.ts";
import type { Process } from "./process.ts";
import { WorldStep } from "./schedule.ts";
import type { SharedStore, SharedStoreOptions } from "./system.ts";

/** One in so many calls is never answered: half of them are done all the same. */
const LOST_ONE_IN = 200;

/** The store, as all processes share it. */
export class StoreModel implements SharedStore {
  away = 0;
  readonly #options: SharedStoreOptions;
  readonly #store: MemoryPresence;

  /** @param options The options. */
  constructor(options: SharedStoreOptions) {
    this.#options = options;
    const { schedule } = options;
    this.#store = createMemoryPresence({
      clock: { now: () => schedule.now, after: () => () => {}, endOfTurn: () => {} },
    });
  }

  forget(): void {
    this.#store.clear();
  }

  /** The store as a process reaches it. */
  for(process: Process): PresenceStore {
    const store = this.#store;
    const ways = { calledAt: 0, answeredAt: 0 };
    const ask = <T>(call: () => Promise<T>, before = () => {}) => this.#ask(process, ways, call, before);
    return {
      name: "simulated",
      touch: (node, lease) => ask(() => store.touch(node, lease)),
      write: (node, place, write) => ask(() => store.write(node, place, write)),
      read: (place, { signal: _, ...query }) => ask(() => store.read(place, query)),
      count: (place, by) => ask(() => store.count(place, by)),
      versions: (places) => ask(() => store.versions(places)),
      expired: () => ask(() => store.expired()),
      purge: (node, { anyway, onRemoved }) => {
        const removals: PresenceRemoval[] = [];
        const call = () => store.purge(node, { anyway, onRemoved: (removal) => removals.push(removal) });
        return ask(call, () => removals.forEach(onRemoved));
      },
    };
  }

  /** A call and its answer, each on its way behind those of the same process. */
  #ask<T>(
    process: Process,
    ways: { calledAt: number; answeredAt: number },
    call: () => Promise<T>,
    before: () => void,
  ): Promise<T> {
    const { schedule, random, quietAt, isCutOff, unsettle } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const answer = (tell: () => void) => {
      ways.answeredAt = Math.max(ways.answeredAt, this.#arrival());
      const run = () => process.take({ cancelled: false, code: 6, process, run: tell });
      schedule.at(ways.answeredAt, new WorldStep(run));
    };
    ways.calledAt = Math.max(ways.calledAt, this.#arrival());
    schedule.at(
      ways.calledAt,
      new WorldStep(() => {
        if (this.away > 0 || isCutOff(process.seat)) {
          return answer(() => reject(new Error("Cannot reach the store")));
        }
        const isLost = schedule.now < quietAt && random.oneIn(LOST_ONE_IN);
        if (isLost && random.oneIn(2)) return;
        unsettle(process);
        call().then((result) => {
          if (isLost) return;
          answer(() => {
            before();
            resolve(result);
          });
        }, (error) => answer(() => reject(error)));
      }),
    );
    return promise;
  }

  #arrival(): number {
    const { schedule, random, delayMs, jitterMs } = this.#options;
    return schedule.now + delayMs + random.below(jitterMs + 1);
  }
}

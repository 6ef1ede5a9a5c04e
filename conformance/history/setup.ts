import type { HistoryStore } from "../../adapters/history_store.ts";
import type { Skip } from "../adapter/setup.ts";

/** What the suite has to know about a store of histories. */
export interface HistoryStoreSetup {
  /**
   * Gives one more node's store on the one place under test: what one of them appends, all of them read. The suite opens
   * and closes it, where it can be.
   *
   * @param options The prefix that the store must use, where it has one: stores of different prefixes share nothing.
   */
  create(options: { readonly prefix: string }): HistoryStore | Promise<HistoryStore>;
  /**
   * Whether the store tells how old messages are (`StoredRecord.ageMs`): only then subscribers can begin by time.
   *
   * @default {true}
   */
  readonly tellsAge?: boolean;
  /** Cases that do not hold, with the reason. A name that is no case is an error. */
  readonly skip?: readonly Skip[];
  /**
   * How long anything may take, in milliseconds, before a case fails.
   *
   * @default {10_000}
   */
  readonly waitMs?: number;
  /**
   * The time to live that the cases about expiry give, in milliseconds.
   *
   * @default {300}
   */
  readonly ttlMs?: number;
}

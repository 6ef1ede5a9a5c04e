import type { HistoryStore } from "../../adapters/history_store.ts";
import type { Skip } from "../adapter/setup.ts";

/** The history store under test, and what the suite needs to know about it. */
export interface HistoryStoreSetup {
  /**
   * Creates another node's store on the same storage: all stores read what one of them appends. The suite opens and
   * closes it, if it has `open` and `close`.
   *
   * @param options The prefix that the store must use, if it has one. Stores with different prefixes share nothing.
   */
  create(options: { readonly prefix: string }): HistoryStore | Promise<HistoryStore>;
  /**
   * Whether the store returns the age of messages (`StoredRecord.ageMs`). Without it, subscribers cannot begin by
   * time.
   *
   * @default {true}
   */
  readonly tellsAge?: boolean;
  /** Cases to skip, with the reason. An unknown name is an error. */
  readonly skip?: readonly Skip[];
  /**
   * How long any step may take before its case fails, in milliseconds.
   *
   * @default {10_000}
   */
  readonly waitMs?: number;
  /**
   * The time to live in the cases about expiry, in milliseconds.
   *
   * @default {300}
   */
  readonly ttlMs?: number;
}

import type { PresenceStore } from "../../adapters/presence_store.ts";
import type { Skip } from "../adapter/setup.ts";

/** The presence store under test, and what the suite needs to know about it. */
export interface PresenceStoreSetup {
  /**
   * Creates another node's store on the same storage: all stores read what one of them puts. The suite closes it, if
   * it has `close`.
   *
   * @param options The prefix that the store must use, if it has one. Stores with different prefixes share nothing.
   */
  create(options: { readonly prefix: string }): PresenceStore | Promise<PresenceStore>;
  /**
   * Deletes all stored data, like a server that restarts without its data. Resolves when the stores work again.
   *
   * @default {the cases about it are skipped}
   */
  readonly forget?: (options: { readonly prefix: string }) => void | Promise<void>;
  /** Cases to skip, with the reason. An unknown name is an error. */
  readonly skip?: readonly Skip[];
  /**
   * How long any step may take before its case fails, in milliseconds.
   *
   * @default {10_000}
   */
  readonly waitMs?: number;
  /**
   * How long leases last in the cases about expired leases, in milliseconds.
   *
   * @default {300}
   */
  readonly ttlMs?: number;
}

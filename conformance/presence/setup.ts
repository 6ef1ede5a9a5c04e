import type { PresenceStore } from "../../adapters/presence_store.ts";
import type { Skip } from "../adapter/setup.ts";

/** What the suite has to know about a store of presence. */
export interface PresenceStoreSetup {
  /**
   * Gives one more node's store on the one place under test: what one of them puts, all of them read. The suite closes it,
   * where it can be.
   *
   * @param options The prefix that the store must use, where it has one: stores of different prefixes share nothing.
   */
  create(options: { readonly prefix: string }): PresenceStore | Promise<PresenceStore>;
  /**
   * Loses all that is kept, as a server does that is restarted without its data; resolves when the stores work again.
   *
   * @default {the cases about it are skipped}
   */
  readonly forget?: (options: { readonly prefix: string }) => void | Promise<void>;
  /** Cases that do not hold, with the reason. A name that is no case is an error. */
  readonly skip?: readonly Skip[];
  /**
   * How long anything may take, in milliseconds, before a case fails.
   *
   * @default {10_000}
   */
  readonly waitMs?: number;
  /**
   * How long leases last in the cases about leases that run out, in milliseconds.
   *
   * @default {300}
   */
  readonly ttlMs?: number;
}

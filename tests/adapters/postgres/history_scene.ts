/**
 * Stores of histories for tests of them.
 *
 * @module
 */

import type { HubError } from "@trunkline/hub";
import type { AppendOptions, HistoryStore } from "@trunkline/hub/adapters/history-store";
import { createPostgresHistory, type PostgresHistoryOptions } from "@trunkline/hub/adapters/postgres";
import process from "node:process";

const URL = process.env.POSTGRES_URL!;
/** Enough for all messages of a test. */
export const PLENTY: AppendOptions = { size: 1_000, ttlMs: Infinity };

/** A name that no other test has: data folders of servers are used again. */
export const unique = (name: string) => `${name}_${crypto.randomUUID().replaceAll("-", "")}`;

/** A store that is open, and what was reported. */
export interface OpenStore extends HistoryStore, AsyncDisposable {
  readonly errors: Error[];
}

function opened(store: HistoryStore): OpenStore {
  const nodeId = crypto.randomUUID();
  const errors: Error[] = [];
  store.open!({ nodeId, deliver() {}, onError: (error) => void errors.push(error) });
  return Object.assign(store, {
    errors,
    [Symbol.asyncDispose]: async () => await store.close!(nodeId),
  });
}

/** Options of a store, with a new prefix by default. */
export type StoreOptions = Partial<PostgresHistoryOptions>;

/** Opens a store on the server that all tests share, unless options say otherwise. */
export const openStore = (options: StoreOptions) =>
  opened(
    createPostgresHistory({ prefix: crypto.randomUUID(), url: URL, answerTimeoutMs: 20_000, ...options }),
  );

/** How an append ends: its offset, or the code of its error. */
export const end = (store: HistoryStore, data = "x", options: Partial<AppendOptions> = {}) =>
  Promise.resolve(store.append("news", data, { ...PLENTY, ...options }))
    .then(([, offset]) => offset, (error: HubError) => error.code);

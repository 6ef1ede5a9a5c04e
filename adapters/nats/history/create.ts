/**
 * Histories in NATS JetStream for hubs with any adapter.
 *
 * @module
 */

import type { Position } from "../../../contract/mod.ts";
import type { Adapter } from "../../adapter.ts";
import type {
  AppendOptions,
  HistoryContext,
  HistoryStore,
  ReadOptions,
  StoredPage,
} from "../../history_store.ts";
import { createAdapter } from "../create.ts";
import { type NatsHistoryOptions, readNatsHistoryOptions } from "../options.ts";
import type { NatsHistory } from "./store.ts";

/**
 * Creates a history store in NATS JetStream, for hubs with another adapter. For the adapter for NATS, give that adapter
 * `history: true` instead: then one connection is enough, and the server publishes kept messages.
 *
 * It connects when it is opened, and reconnects by itself. While no server is reachable, appends and reads fail with
 * `UNAVAILABLE`. Appends that were under way when the connection broke fail with `UNCERTAIN`.
 *
 * @example
 * ```ts ignore needs a NATS server
 * import { createHub } from "@trunkline/hub";
 * import { createNatsHistory } from "@trunkline/hub/adapters/nats";
 *
 * const history = createNatsHistory({ servers: "nats://n1:4222", prefix: "chat", replicas: 3 });
 * const hub = createHub(chat, { authenticate, adapter, history });
 * ```
 *
 * @param options The prefix, the addresses of the servers, and how the stream keeps messages.
 * @returns A store for one hub.
 * @throws {TypeError} If the prefix is missing, or an option has the wrong type or contradicts another.
 * @throws {RangeError} If a number is out of range, or the prefix is too long.
 */
export function createNatsHistory(options: NatsHistoryOptions): HistoryStore {
  const settings = readNatsHistoryOptions(options);
  return new ConnectedHistory(createAdapter(settings), settings.history);
}

/** A store with its own connection. The connection belongs to an adapter that carries no messages. */
class ConnectedHistory implements HistoryStore {
  readonly name: string;
  readonly publishes: boolean;
  readonly tellsKnown = true;
  readonly #adapter: Adapter;
  readonly #store: NatsHistory;

  constructor(adapter: Adapter, store: NatsHistory) {
    this.name = store.name;
    this.publishes = store.publishes;
    this.#adapter = adapter;
    this.#store = store;
  }

  async open(context: HistoryContext): Promise<void> {
    await this.#adapter.open({
      // Another id, because an adapter for NATS with the same prefix may run beside it.
      nodeId: `${context.nodeId}-history`,
      deliver() {},
      onStatus() {},
      onGap() {},
      onError: (error) => context.onError(error, {}),
    });
    await this.#store.open(context);
  }

  async append(channel: string, data: string, options: AppendOptions): Promise<Position> {
    return await this.#store.append(channel, data, options);
  }

  async read(channel: string, options?: ReadOptions): Promise<StoredPage> {
    return await this.#store.read(channel, options);
  }

  sweep(): void {
    this.#store.sweep();
  }

  async close(): Promise<void> {
    this.#store.close();
    await this.#adapter.close();
  }
}

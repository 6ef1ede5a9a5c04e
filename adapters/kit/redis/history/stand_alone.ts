/**
 * A history store in Redis beside another adapter. It has its own connections, which are made like those of the adapter
 * for Redis, and carry nothing else.
 *
 * @module
 */

import { HubError, type Position } from "../../../../contract/mod.ts";
import type { Adapter } from "../../../adapter.ts";
import type {
  AppendOptions,
  HistoryContext,
  HistoryStore,
  ReadOptions,
  StoredPage,
} from "../../../history_store.ts";

/**
 * Makes a history store from an adapter. The first hub that opens the store opens the adapter, and the last hub closes
 * it.
 *
 * @param name The name of the store, for errors.
 * @param create Makes the adapter. Its store must not publish.
 */
export function createStandAloneHistory(name: string, create: () => Adapter): HistoryStore {
  return new StandAloneHistory(name, create);
}

interface Running {
  readonly adapter: Adapter;
  readonly opening: Promise<void>;
}

class StandAloneHistory implements HistoryStore {
  readonly name: string;
  readonly publishes = false;
  readonly tellsKnown = true;
  readonly #create: () => Adapter;
  readonly #contexts = new Map<string, HistoryContext>();
  #running: Running | undefined;

  constructor(name: string, create: () => Adapter) {
    this.name = name;
    this.#create = create;
  }

  async open(context: HistoryContext): Promise<void> {
    this.#contexts.set(context.nodeId, context);
    this.#running ??= this.#start();
    await this.#running.opening;
  }

  async append(channel: string, data: string, options: AppendOptions): Promise<Position> {
    const what = `Cannot store a message on "${channel}" in ${this.name}`;
    return await this.#store(what).append(channel, data, options);
  }

  async read(channel: string, options?: ReadOptions): Promise<StoredPage> {
    return await this.#store(`Cannot read "${channel}" in ${this.name}`).read(channel, options);
  }

  async close(nodeId: string): Promise<void> {
    if (!this.#contexts.delete(nodeId) || this.#contexts.size > 0) return;
    const running = this.#running;
    this.#running = undefined;
    await running?.adapter.close();
  }

  #store(what: string): HistoryStore {
    if (this.#running) return this.#running.adapter.history!;
    throw new HubError("UNAVAILABLE", `${what}: it is not open`);
  }

  #start(): Running {
    const adapter = this.#create();
    const opening = adapter.open({
      // Not the hub's own id: the hub's adapter may be on the same server.
      nodeId: crypto.randomUUID(),
      deliver: () => {},
      onError: (error, { channel }) => {
        for (const context of this.#contexts.values()) context.onError(error, { channel });
      },
      onStatus: () => {},
      onGap: () => {},
    });
    opening.catch(() => {}); // each caller of `open` waits for it
    return { adapter, opening };
  }
}

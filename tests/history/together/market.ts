/**
 * A node with prices, behind a WebSocket server of its own. It does not use the harness, which works in tests alone.
 *
 * @module
 */

import { createHub, defineContract, type Hub, type HubOptions, type Published } from "@trunkline/hub";
import { z } from "zod";
import { serve } from "../../serve.ts";

/** Who published it, and which of all of that publisher it is. */
const Price = z.object({ from: z.string(), n: z.number() });

export type Price = z.infer<typeof Price>;

export const market = defineContract({
  shared: {
    topics: {
      "price/:symbol": { payload: Price, history: { size: 5_000, ttlMs: 300_000 } },
      "short/:symbol": { payload: Price, history: { size: 8, ttlMs: 300_000 } },
    },
  },
  roles: { trader: {} },
});

export type Market = (typeof market)["definition"];
export type MarketHub = Hub<Market>;
export type MarketOptions = Partial<HubOptions<Market, { id: string }, undefined>>;
export type Topic = `price/${string}` | `short/${string}`;

/** A node that serves. */
export interface MarketNode extends AsyncDisposable {
  readonly hub: MarketHub;
  /** The port of 127.0.0.1 at which it takes WebSockets. */
  readonly port: number;
  /** What was reported. */
  readonly errors: unknown[];
}

/** Starts a node; it is ready. */
export async function startMarket(options: MarketOptions): Promise<MarketNode> {
  const errors: unknown[] = [];
  const hub = createHub(market, {
    authenticate: ({ role }) => ({ role }),
    cluster: { heartbeatMs: 500, nodeTimeoutMs: 3_000, joinTimeoutMs: 0 },
    onError: (error) => errors.push(error),
    ...options,
  });
  await hub.ready;
  const server = serve({
    fetch: (request, platform) => hub.routes.fetch(request, platform as never),
    websocket: hub.websocket,
  });
  return {
    hub,
    port: server.port,
    errors,
    async [Symbol.asyncDispose]() {
      await hub.close();
      await server.close();
    },
  };
}

/** Publishes until it is kept: again with the same id whenever nobody knows. */
export async function publishUntilKept(hub: MarketHub, topic: Topic, price: Price): Promise<Published> {
  for (;;) {
    try {
      return await hub.publish(topic, price, { id: `${price.from} ${price.n}` });
    } catch (error) {
      const { code } = error as { code?: string };
      if (code !== "UNAVAILABLE" && code !== "UNCERTAIN") throw error;
      await pace();
    }
  }
}

/** A publisher that goes on until it is stopped. */
export interface Prices {
  /** Where its messages are, by number from 1 on. */
  readonly kept: ReadonlyMap<number, Published>;
  /** Resolves when the last one is kept. */
  stop(): Promise<void>;
}

/** Lets prices run on a topic. */
export function run(
  hub: MarketHub,
  topic: Topic,
  from: string,
  onKept?: (n: number, at: Published) => void,
): Prices {
  const kept = new Map<number, Published>();
  let stopped = false;
  const running = (async () => {
    for (let n = 1; !stopped; n++) {
      const at = await publishUntilKept(hub, topic, { from, n });
      kept.set(n, at);
      onKept?.(n, at);
      await pace();
    }
  })();
  return {
    kept,
    stop() {
      stopped = true;
      return running;
    },
  };
}

/** Prices come every few milliseconds, not as fast as they can: a history has to hold what a client misses. */
const pace = () => new Promise<void>((resolve) => setTimeout(resolve, 4));

/**
 * A node with prices, and a trading floor on which they are called out, behind a WebSocket server of its own. It does not use the harness, which works in tests alone.
 *
 * @module
 */

import {
  createHub,
  defineContract,
  type HistoryQuery,
  type Hub,
  type HubOptions,
  type Published,
} from "@trunkline/hub";
import { z } from "zod";
import { serve } from "../../serve.ts";

/** Its publisher, and its number among the publisher's messages. */
const Price = z.object({ from: z.string(), n: z.number() });

export type Price = z.infer<typeof Price>;

export const market = defineContract({
  shared: {
    serverToClient: { call: { payload: Price } },
    topics: {
      "price/:symbol": { payload: Price, history: { size: 5_000, ttlMs: 300_000 } },
      "short/:symbol": { payload: Price, history: { size: 8, ttlMs: 300_000 } },
    },
  },
  roles: {
    trader: {
      clientToServer: { enter: { input: z.object({ floor: z.string() }), output: z.void() } },
    },
  },
  rooms: { "floor/:id": { history: { size: 5_000, ttlMs: 300_000 } } },
});

export type Market = (typeof market)["definition"];
export type MarketHub = Hub<Market>;
export type MarketOptions = Partial<HubOptions<Market, { id: string } | undefined, undefined>>;
export type Topic = `price/${string}` | `short/${string}`;
/** A room with history. */
export type Floor = `floor/${string}`;

/** A node that serves. */
export interface MarketNode extends AsyncDisposable {
  readonly hub: MarketHub;
  /** The port of 127.0.0.1 at which it takes WebSockets. */
  readonly port: number;
  /** The reports. */
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
  hub.implement({ trader: { enter: ({ floor }, { conn }) => hub.room(floor).add(conn) } });
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

/** Publishes on a topic, or broadcasts to a room. */
export function say(hub: MarketHub, where: Topic | Floor, price: Price, options?: { id: string }) {
  return isFloor(where)
    ? hub.room(where).broadcast("call", price, options)
    : hub.publish(where, price, options);
}

/** One of each. */
export const PLACES = ["price/x", "floor/x"] as const;

/** Whether a place is a room. */
export const isFloor = (where: Topic | Floor): where is Floor => where.startsWith("floor/");

/** Reads what is kept. */
export function read(hub: MarketHub, where: Topic | Floor, query?: HistoryQuery) {
  return isFloor(where) ? hub.room(where).history(query) : hub.history(where, query);
}

/** Publishes until the message is stored: again with the same id if the result is uncertain. */
export async function publishUntilKept(
  hub: MarketHub,
  where: Topic | Floor,
  price: Price,
): Promise<Published> {
  for (;;) {
    try {
      return await say(hub, where, price, { id: `${price.from} ${price.n}` });
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

/** Lets prices run on a topic, or in a room. */
export function run(
  hub: MarketHub,
  where: Topic | Floor,
  from: string,
  onKept?: (n: number, at: Published) => void,
): Prices {
  const kept = new Map<number, Published>();
  let stopped = false;
  const running = (async () => {
    for (let n = 1; !stopped; n++) {
      const at = await publishUntilKept(hub, where, { from, n });
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

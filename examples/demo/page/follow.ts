/**
 * One subscription for the whole life of the page, on any node.
 *
 * @module
 */

import type { SymbolName, Tick } from "../contract.ts";
import type { DemoClient } from "./connect.ts";

/** Receives the events of a subscription. */
export interface Follower {
  /** A price; `again` is true if it was missed, and the hub sent it from the history. */
  came(tick: Tick, again: boolean): void;
  /** All prices that a node has kept. */
  fetched(ticks: readonly Tick[]): void;
  /** The subscription is back; `how` says how it got the missed prices. */
  back(how: "recovered" | "fetched" | "gap"): void;
}

/** Follows the price of a symbol. The client subscribes again by itself, and the hub sends the missed prices. */
export function follow(client: DemoClient, symbol: SymbolName, follower: Follower): void {
  const fetchAll = async () => follower.fetched(await client.request("ticks", { symbol }));
  const subscription = client.subscribe(
    `ticker/${symbol}`,
    (tick, { recovered }) => follower.came(tick, recovered),
    {
      async onRecovery({ recovered }) {
        if (recovered) return follower.back("recovered");
        // Without a shared store, the next node cannot know which prices this page has missed.
        await fetchAll().then(() => follower.back("fetched"), () => follower.back("gap"));
      },
    },
  );
  subscription.ready.then(fetchAll).catch(() => {}); // the prices from before this window
}

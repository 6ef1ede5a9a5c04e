/**
 * One subscription, for as long as the page lives, whatever node serves it.
 *
 * @module
 */

import type { SymbolName, Tick } from "../contract.ts";
import type { DemoClient } from "./connect.ts";

/** What becomes of a subscription. */
export interface Follower {
  /** A price; `again` when it was missed, and the hub has sent it from the history. */
  came(tick: Tick, again: boolean): void;
  /** All prices that a node has kept. */
  fetched(ticks: readonly Tick[]): void;
  /** The subscription is back: with `how` all of it is there. */
  back(how: "recovered" | "fetched" | "gap"): void;
}

/** Follows the price of a symbol: the client subscribes again by itself, and the hub sends what was missed. */
export function follow(client: DemoClient, symbol: SymbolName, follower: Follower): void {
  const fetchAll = async () => follower.fetched(await client.request("ticks", { symbol }));
  const subscription = client.subscribe(
    `ticker/${symbol}`,
    (tick, { recovered }) => follower.came(tick, recovered),
    {
      async onRecovery({ recovered }) {
        if (recovered) return follower.back("recovered");
        // Without a store that the nodes share the next one cannot know what this page has missed.
        await fetchAll().then(() => follower.back("fetched"), () => follower.back("gap"));
      },
    },
  );
  subscription.ready.then(fetchAll).catch(() => {}); // what was published before this window was there
}

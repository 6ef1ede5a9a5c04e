import { type Readable, readable } from "svelte/store";
import type { ShopClient } from "../client.ts";

/**
 * The newest price of an article; `undefined` until it is known. It subscribes with the first reader of the store, and
 * unsubscribes with the last.
 */
export function priceOf(client: ShopClient, article: string): Readable<number | undefined> {
  return readable<number | undefined>(undefined, (set) => {
    const subscription = client.subscribe(`price/${article}`, ({ euros }) => set(euros), {
      rewind: { last: 1 },
    });
    return () => subscription.unsubscribe();
  });
}

/** Where the client stands. */
export function statusOf(client: ShopClient): Readable<ShopClient["status"]> {
  return readable(client.status, (set) => {
    set(client.status);
    return client.onStatus(set);
  });
}

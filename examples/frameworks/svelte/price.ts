import { type Readable, readable } from "svelte/store";
import type { ShopClient } from "../client.ts";

/**
 * The newest price of an article; `undefined` until it is known. The store subscribes when it gets its first reader, and
 * unsubscribes when the last reader leaves.
 */
export function priceOf(client: ShopClient, article: string): Readable<number | undefined> {
  return readable<number | undefined>(undefined, (set) => {
    const subscription = client.subscribe(`price/${article}`, ({ euros }) => set(euros), {
      rewind: { last: 1 },
    });
    return () => subscription.unsubscribe();
  });
}

/** The status of the client. */
export function statusOf(client: ShopClient): Readable<ShopClient["status"]> {
  return readable(client.status, (set) => {
    set(client.status);
    return client.onStatus(set);
  });
}

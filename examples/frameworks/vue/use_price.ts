import { inject, type InjectionKey, onScopeDispose, type Ref, ref, toValue, watchEffect } from "vue";
import type { ShopClient } from "../client.ts";

/** In main.ts: `createApp(App).provide(REALTIME, connect()).mount("#app")`. One client for the whole page. */
export const REALTIME: InjectionKey<ShopClient> = Symbol("realtime");

/** The newest price of an article; `undefined` until it is known. `article` may be a ref that changes. */
export function usePrice(article: string | Ref<string>, client = inject(REALTIME)!): Ref<number | undefined> {
  const price = ref<number>();
  watchEffect((onCleanup) => {
    price.value = undefined;
    const subscription = client.subscribe(`price/${toValue(article)}`, ({ euros }) => {
      price.value = euros;
    }, { rewind: { last: 1 } });
    onCleanup(() => subscription.unsubscribe());
  });
  return price;
}

/** The status of the client. */
export function useStatus(client = inject(REALTIME)!): Ref<ShopClient["status"]> {
  const status = ref(client.status);
  onScopeDispose(client.onStatus((now) => status.value = now));
  return status;
}

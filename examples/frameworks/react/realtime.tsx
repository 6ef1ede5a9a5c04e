"use client"; // for Next; other frameworks ignore it
import {
  createContext,
  type ReactNode,
  useCallback,
  useContext,
  useEffect,
  useState,
  useSyncExternalStore,
} from "react";
import type { ShopClient } from "../client.ts";

const Realtime = createContext<ShopClient | undefined>(undefined);

/**
 * Connects while the component is shown, and only in the browser: effects do not run on a server. In StrictMode React mounts
 * it twice: the first client is closed before the second one is created.
 */
export function RealtimeProvider({ connect, children }: { connect: () => ShopClient; children: ReactNode }) {
  const [client, setClient] = useState<ShopClient>();
  useEffect(() => {
    const client = connect();
    setClient(client);
    return () => void client.close();
  }, [connect]); // a function of the module, or from useCallback: a new function creates a new client
  return <Realtime value={client}>{children}</Realtime>;
}

/** The status of the client: "connecting", "open", "reconnecting" or "closed". */
export function useStatus() {
  const client = useContext(Realtime);
  const listen = useCallback((changed: () => void) => client?.onStatus(changed) ?? (() => {}), [client]);
  return useSyncExternalStore(listen, () => client?.status ?? "connecting", () => "connecting" as const);
}

/** The newest price of an article; `undefined` until it is known. */
export function usePrice(article: string): number | undefined {
  const client = useContext(Realtime);
  const [price, setPrice] = useState<number>();
  useEffect(() => {
    setPrice(undefined);
    const subscription = client?.subscribe(`price/${article}`, ({ euros }) => setPrice(euros), {
      rewind: { last: 1 },
    });
    return () => subscription?.unsubscribe();
  }, [client, article]);
  return price;
}

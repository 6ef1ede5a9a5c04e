"use client"; // app/shop.tsx: the live parts are drawn in the browser
import { createClient } from "@trunkline/hub/client";
import { shop } from "../contract.ts";
import { Price } from "../react/price.tsx";
import { RealtimeProvider } from "../react/realtime.tsx";

/** A route of your Next application knows the signed-in user. It returns a token that expires soon. */
async function fetchToken() {
  const answer = await fetch("/api/realtime-token", { method: "POST" });
  if (!answer.ok) throw new Error(`Cannot get a token: ${answer.status}`);
  return answer.text();
}

/** The hub is a separate server, on Deno or Bun. */
const connect = () =>
  createClient(shop, { url: "wss://realtime.example/realtime", role: "visitor", token: fetchToken });

export function Shop({ article }: { article: string }) {
  return (
    <RealtimeProvider connect={connect}>
      <Price article={article} />
    </RealtimeProvider>
  );
}

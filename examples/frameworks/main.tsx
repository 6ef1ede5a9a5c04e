// Draws all these pages without a browser, and changes the price once.
// Run: deno run -A --config examples/frameworks/deno.json examples/frameworks/main.tsx
import { createHub } from "@trunkline/hub";
import { createClient } from "@trunkline/hub/client";
import { createLoopbackTransport } from "@trunkline/hub/transports/loopback";
import { StrictMode } from "react";
import { renderToString } from "react-dom/server";
import { act, create, type ReactTestRenderer } from "react-test-renderer";
import { compile } from "svelte/compiler";
import { effectScope, watch } from "vue";
import { parse } from "vue/compiler-sfc";
import { shop } from "./contract.ts";
import Page from "./next/page.tsx";
import { Price } from "./react/price.tsx";
import { RealtimeProvider } from "./react/realtime.tsx";
import { priceOf, statusOf } from "./svelte/price.ts";
import { usePrice, useStatus } from "./vue/use_price.ts";

const loopback = createLoopbackTransport();
const hub = createHub(shop, { authenticate: ({ role }) => ({ role }), transports: [loopback] });
const connect = () =>
  createClient(shop, { url: "ws://loopback", role: "visitor", transport: loopback.client() });

const pause = () => new Promise<void>((resolve) => setTimeout(resolve, 10));

/** Waits until a condition is true. */
async function until(done: () => boolean, turn: () => Promise<unknown> = pause) {
  for (let turns = 0; !done(); turns++) {
    if (turns > 500) throw new Error("Cannot go on: the condition did not become true");
    await turn();
  }
}

async function drawReact() {
  (globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true;
  let page!: ReactTestRenderer;
  await act(() => {
    page = create(
      <StrictMode>
        <RealtimeProvider connect={connect}>
          <Price article="tea" />
          <Price article="tea" />
        </RealtimeProvider>
      </StrictMode>,
    );
  });
  const drawn = () => act(pause); // React draws the changes when `act` ends
  const shows = (price: string) => JSON.stringify(page.toJSON()).split(price).length === 3; // both components
  await until(() => shows("3 €") && hub.stats().connections === 1, drawn);
  await hub.publish("price/tea", { euros: 4 });
  await until(() => shows("4 €"), drawn);
  const { connections, subscriptions } = hub.stats();
  console.log(`React, in StrictMode: ${connections} connection, ${subscriptions} subscription`);
  await act(() => page.unmount());
  await until(() => hub.stats().connections === 0);
}

async function drawVue() {
  const client = connect();
  const scope = effectScope();
  const seen: (number | undefined)[] = [];
  const status = scope.run(() => {
    watch(usePrice("tea", client), (price) => seen.push(price));
    return useStatus(client);
  })!;
  await until(() => seen.at(-1) === 4 && status.value === "open");
  scope.stop();
  await until(() => hub.stats().subscriptions === 0);
  const { errors } = parse(await Deno.readTextFile(new URL("vue/Price.vue", import.meta.url)));
  if (errors.length > 0) throw errors[0];
  console.log(`Vue: ${seen.at(-1)} €`);
  await client.close();
}

async function drawSvelte() {
  const client = connect();
  const seen: (number | undefined)[] = [];
  let status = "";
  const stops = [
    priceOf(client, "tea").subscribe((price) => seen.push(price)),
    statusOf(client).subscribe((now) => status = now),
  ];
  await until(() => seen.at(-1) === 4 && status === "open");
  for (const stop of stops) stop();
  await until(() => hub.stats().subscriptions === 0);
  compile(await Deno.readTextFile(new URL("svelte/Price.svelte", import.meta.url)), { generate: "client" });
  console.log(`Svelte: ${seen.at(-1)} €`);
  await client.close();
}

console.log(`Next, on its server: ${renderToString(<Page />)}`); // on the server the page does not connect

await hub.publish("price/tea", { euros: 3 });
await drawReact();
await drawVue();
await drawSvelte();
await hub.close();

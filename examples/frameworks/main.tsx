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
import { chat } from "../recipes/chat/contract.ts";
import { createChat } from "../recipes/chat/hub.ts";
import { shop } from "./contract.ts";
import Page from "./next/page.tsx";
import { ChatProvider } from "./react/chat.tsx";
import { Lobby } from "./react/lobby.tsx";
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

/** A page of bob, and ann, who talks to him and then removes him. */
async function drawChat() {
  const link = createLoopbackTransport();
  const hub = createChat({ transports: [link] });
  await hub.ready;
  const connect = <R extends "member" | "admin">(name: string, role: R) =>
    createClient(chat, { url: "ws://loopback", role, token: `token of ${name}`, transport: link.client(), onError() {} });
  const connectBob = () => connect("bob", "member" as "member" | "admin");

  let page!: ReactTestRenderer;
  await act(() => {
    page = create(<StrictMode><ChatProvider connect={connectBob}><Lobby /></ChatProvider></StrictMode>);
  });
  const drawn = () => act(pause);
  const texts = (type: "p" | "li") => page.root.findAllByType(type).map(({ children }) => children.join(""));
  const ann = connect("ann", "admin");
  const room = "lobby";
  await act(() => ann.request("join", { room }));
  await act(() => ann.request("say", { room, text: "hello" }));
  await until(() => texts("p")[0] === "ann, bob" && texts("li").length === 1, drawn);
  const input = page.root.findByType("input");
  await act(() => input.props.onChange({ currentTarget: { value: "hi" } }));
  await until(() => texts("p")[0] === "ann, bob types", drawn);
  await act(() => page.root.findByType("form").props.onSubmit({ preventDefault() {} }));
  await until(() => texts("li").length === 2, drawn);
  const said = texts("li");
  await act(() => ann.request("kick", { room, user: "bob" }));
  await until(() => texts("p")[0] === "Removed by ann" && texts("p")[1] === "", drawn);
  console.log(`React, a chat: ${said.join("; ")}; ${texts("p")[0]}`);
  await act(() => page.unmount());
  await ann.close();
  await hub.close();
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
await drawChat();
await drawVue();
await drawSvelte();
await hub.close();

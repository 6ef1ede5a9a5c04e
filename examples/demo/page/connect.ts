/**
 * The connection of this window: which nodes to try, and in which order.
 *
 * @module
 */

import { type Client, createClient } from "@trunkline/hub/client";
import { contract, type Definition, type PageConfig } from "../contract.ts";

/** The client of this page. */
export type DemoClient = Client<Definition, "member">;

const NODE_KEY = "trunkline-demo.node";

/** The node that this window goes to first: the one it is told, the one it had, or the one after the last window's. */
function preferredNode(count: number): number {
  const told = Number(new URLSearchParams(location.search).get("node") ?? sessionStorage.getItem(NODE_KEY));
  if (Number.isInteger(told) && told >= 1 && told <= count) return told;
  const next = Number(localStorage.getItem(NODE_KEY)) % count + 1;
  localStorage.setItem(NODE_KEY, String(next));
  sessionStorage.setItem(NODE_KEY, String(next));
  return next;
}

/** The addresses of the nodes from the preferred one on; those that are stopped at the end. */
function addresses({ slots }: PageConfig): string[] {
  const first = preferredNode(slots.length) - 1;
  const ordered = [...slots.slice(first), ...slots.slice(0, first)];
  const rank = ({ state }: { state: string }) => state === "running" ? 0 : 1;
  return ordered.sort((a, b) => rank(a) - rank(b)).map(({ url }) => url);
}

/**
 * Connects.
 *
 * @param config The nodes.
 * @param name Who the user is.
 */
export function connect(config: PageConfig, name: string): DemoClient {
  return createClient(contract, {
    url: addresses(config),
    role: "member",
    token: name,
    // Shorter than an application would: whoever looks at a demo waits for it.
    reconnect: { baseMs: 200, maxMs: 2_000 },
  });
}

/**
 * The connection of this window: the nodes to try, and their order.
 *
 * @module
 */

import { type Client, createClient } from "@trunkline/hub/client";
import { contract, type Definition, type PageConfig } from "../contract.ts";

/** The client of this page. */
export type DemoClient = Client<Definition, "member">;

/** The addresses of the nodes, the preferred one first, stopped nodes last. */
function addresses({ slots }: PageConfig, preferred: number): string[] {
  const first = preferred - 1;
  const ordered = [...slots.slice(first), ...slots.slice(0, first)];
  const rank = ({ state }: { state: string }) => state === "running" ? 0 : 1;
  return ordered.sort((a, b) => rank(a) - rank(b)).map(({ url }) => url);
}

/**
 * Connects to the cluster.
 *
 * @param config The nodes.
 * @param node The node to try first.
 * @param name The user's name.
 */
export function connect(config: PageConfig, node: number, name: string): DemoClient {
  return createClient(contract, {
    url: addresses(config, node),
    role: "member",
    token: name,
    // Shorter than in an application, so that you need not wait long in the demo.
    reconnect: { baseMs: 200, maxMs: 2_000 },
  });
}

/**
 * The connection of this window: which nodes to try, and in which order.
 *
 * @module
 */

import { type Client, createClient } from "@trunkline/hub/client";
import { contract, type Definition, type PageConfig } from "../contract.ts";

/** The client of this page. */
export type DemoClient = Client<Definition, "member">;

/** The addresses of the nodes from the preferred one on; those that are stopped at the end. */
function addresses({ slots }: PageConfig, preferred: number): string[] {
  const first = preferred - 1;
  const ordered = [...slots.slice(first), ...slots.slice(0, first)];
  const rank = ({ state }: { state: string }) => state === "running" ? 0 : 1;
  return ordered.sort((a, b) => rank(a) - rank(b)).map(({ url }) => url);
}

/**
 * Connects.
 *
 * @param config The nodes.
 * @param node The node to try first.
 * @param name Who the user is.
 */
export function connect(config: PageConfig, node: number, name: string): DemoClient {
  return createClient(contract, {
    url: addresses(config, node),
    role: "member",
    token: name,
    // Shorter than an application would: whoever looks at a demo waits for it.
    reconnect: { baseMs: 200, maxMs: 2_000 },
  });
}

/**
 * Asks which node serves which slots.
 *
 * @module
 */

import type { ClusterLink } from "./link.ts";
import { type ClusterNodes, splitAddress } from "./nodes.ts";

/** The masters and their slots, as one node sees them. */
export interface Topology {
  /** Whether that node sees a working cluster. A node on the wrong side of a split does not. */
  readonly ok: boolean;
  /** First and last slot, and the master's address, `host:port`. */
  readonly ranges: readonly (readonly [number, number, string])[];
  /** All nodes, including replicas. */
  readonly nodes: readonly string[];
}

/**
 * Asks a node.
 *
 * @param link The connection to it.
 * @param address Its address.
 * @param nodes Maps the cluster's addresses to real ones.
 */
export async function askTopology(
  link: ClusterLink,
  address: string,
  nodes: ClusterNodes,
): Promise<Topology> {
  const [info, slots] = await Promise.all([
    // An ACL may forbid the command. The cluster then counts as working.
    link.command("CLUSTER", "INFO").catch(() => "cluster_state:ok"),
    link.command("CLUSTER", "SLOTS"),
  ]);
  const { host } = splitAddress(address);
  // The host is empty if the node does not know it, or if the host of the connection is meant.
  const read = ([name, port]: readonly unknown[]) =>
    nodes.locate(`${name === null || name === "" || name === "?" ? host : String(name)}:${port}`);
  const entries = slots as readonly (readonly [number, number, ...(readonly unknown[])[]])[];
  return {
    ok: /^cluster_state:ok/m.test(String(info)),
    ranges: entries.flatMap(([from, to, master]) => master ? [[from, to, read(master)] as const] : []),
    nodes: [...new Set(entries.flatMap(([, , ...all]) => all.map(read)))],
  };
}

/** The master of a slot. */
export function masterOf({ ranges }: Topology, slot: number): string | undefined {
  return ranges.find(([from, to]) => from <= slot && slot <= to)?.[2];
}

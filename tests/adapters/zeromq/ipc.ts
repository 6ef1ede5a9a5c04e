/**
 * Meshes of ZeroMQ whose nodes find each other in a folder, from any process of this machine.
 *
 * @module
 */

import { createZeroMqAdapter } from "@trunkline/hub/adapters/zeromq";
import type { Adapter } from "@trunkline/hub/adapters/adapter";
import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

/** How many nodes of each process are peers of all. */
const GIVEN = 6;

/** How many nodes this process has in each cluster. */
const counts = new Map<string, number>();

/**
 * Makes the adapter of one more node: its peers are the first ones of this process, which may start at the same moment, and
 * whoever listens already.
 *
 * @param folder Where the sockets are.
 * @param prefix What the nodes of one cluster have in common.
 */
export function createIpcAdapter(folder: string, prefix: string): Adapter {
  // Paths of sockets are short.
  const cluster = createHash("sha256").update(prefix).digest("hex").slice(0, 12);
  const number = counts.get(cluster) ?? 0;
  counts.set(cluster, number + 1);
  const nameOf = (number: number) => `${cluster}-${process.pid}-${number}`;
  const others = readdirSync(folder).filter((name) => name.startsWith(cluster));
  const names = new Set([...others, ...Array.from({ length: GIVEN }, (_, i) => nameOf(i))]);
  const address = (name: string) => `ipc://${join(folder, name)}`;
  return createZeroMqAdapter({ bind: address(nameOf(number)), peers: [...names].map(address), prefix });
}

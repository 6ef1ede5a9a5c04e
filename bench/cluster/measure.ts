/**
 * One measurement of a cluster. Its nodes, the load client and the broker are processes.
 *
 * @module
 */

import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import type { ClusterOrder } from "../load/main.ts";
import { pinned, type Runtime } from "../runtimes.ts";
import type { RunningBroker } from "./brokers.ts";
import type { NodeCandidate } from "./candidates.ts";
import { type Running, start } from "./process.ts";

/** The orders for the load client, without the parts that depend on the nodes. */
export type ClusterTask = Unplaced<ClusterOrder>;
type Unplaced<Order> = Order extends unknown ? Omit<Order, "ports" | "dialect" | "redisPorts"> : never;

/** The paths of the runtimes and the address of the broker. */
export interface Scene {
  readonly paths: Readonly<Partial<Record<Runtime, string>>>;
  readonly broker: Pick<RunningBroker, "url" | "redisPorts" | "join">;
}

const here = (file: string): string => fileURLToPath(new URL(`../${file}`, import.meta.url));

/**
 * Starts nodes, runs a load client against them, and ends the nodes.
 *
 * @param candidate The candidate.
 * @param nodes The number of nodes.
 * @param task The orders for the load client.
 * @param scene The runtimes and the broker.
 */
export async function measureCluster<Outcome>(
  { runtime, file, dialect, adapter, recovery }: NodeCandidate,
  nodes: number,
  task: ClusterTask,
  { paths, broker: { url, redisPorts, join } }: Scene,
): Promise<Outcome> {
  const prefix = `bench-${randomUUID()}`;
  const order = { adapter, url, prefix, recovery, count: task.shape === "interest" };
  const server = await pinned(runtime, paths[runtime]!, 0, here(`servers/${file}`), JSON.stringify(order));
  const processes: Running[] = [];
  try {
    for (let i = 0; i < nodes; i++) processes.push(start(server, join));
    const ready = await Promise.all(processes.map(({ said }) => said as Promise<{ port: number }>));
    const load = JSON.stringify({ ...task, dialect, redisPorts, ports: ready.map(({ port }) => port) });
    const client = start(await pinned("bun", paths.bun!, 1, here("load/main.ts"), load));
    processes.push(client);
    return await client.said as Outcome;
  } finally {
    await Promise.all(processes.map((process) => process.stop()));
  }
}

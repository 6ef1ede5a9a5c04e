/**
 * The adapter for processes that one process has forked, over the pipes of `node:cluster`: all cores of a machine, with
 * nothing to install.
 *
 * @module
 */

import type { Adapter } from "../adapter.ts";
import { createEngineAdapter } from "../kit/engine_adapter.ts";
import { NodeClusterEngine } from "./engine.ts";
import { type NodeClusterAdapterOptions, readNodeClusterOptions } from "./options.ts";

export type { IpcChannel } from "./channel.ts";
export type { NodeClusterAdapterOptions } from "./options.ts";
export { type NodeClusterRelay, type NodeClusterRelayOptions, relayNodeCluster } from "./relay.ts";

/**
 * Creates the adapter for a worker of `node:cluster`. The primary process has to call {@linkcode relayNodeCluster}; until it
 * does, and while it stands still, the backplane is away.
 *
 * @example In a worker
 * ```ts ignore needs a primary process
 * import { createHub } from "@trunkline/hub";
 * import { createNodeClusterAdapter } from "@trunkline/hub/adapters/node-cluster";
 *
 * const hub = createHub(chat, { authenticate, adapter: createNodeClusterAdapter({ prefix: "chat" }) });
 * ```
 *
 * @param options The prefix, times and bounds.
 * @returns An adapter for one hub.
 * @throws {TypeError} If this process is no worker of `node:cluster` and no `channel` is given, the prefix is missing, or an
 * option is unknown.
 * @throws {RangeError} If a number is out of range.
 */
export function createNodeClusterAdapter(options: NodeClusterAdapterOptions): Adapter {
  const settings = readNodeClusterOptions(options);
  const { connectTimeoutMs, probeIntervalMs, clock } = settings;
  return createEngineAdapter(new NodeClusterEngine(settings), {
    connectTimeoutMs,
    answerTimeoutMs: connectTimeoutMs,
    probeIntervalMs,
    // What is on its way to the relay the session counts.
    maxPendingBytes: Infinity,
    clock,
  });
}

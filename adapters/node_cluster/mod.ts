/**
 * The adapter for processes with one parent process, over the pipes of `node:cluster`. It uses all cores of a machine,
 * without anything to install.
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
 * Creates the adapter for a worker of `node:cluster`. The primary process has to call {@linkcode relayNodeCluster}.
 * Before that call, and while the primary process hangs, the backplane is away.
 *
 * @example In a worker
 * ```ts ignore needs a primary process
 * import { createHub } from "@trunkline/hub";
 * import { createNodeClusterAdapter } from "@trunkline/hub/adapters/node-cluster";
 *
 * const hub = createHub(chat, { authenticate, adapter: createNodeClusterAdapter({ prefix: "chat" }) });
 * ```
 *
 * @param options The prefix, times and limits.
 * @returns An adapter for one hub.
 * @throws {TypeError} If this process is not a worker of `node:cluster` and no `channel` is given, the prefix is
 * missing, or an option is unknown.
 * @throws {RangeError} If a number is out of range.
 */
export function createNodeClusterAdapter(options: NodeClusterAdapterOptions): Adapter {
  const settings = readNodeClusterOptions(options);
  const { connectTimeoutMs, probeIntervalMs, clock } = settings;
  return createEngineAdapter(new NodeClusterEngine(settings), {
    connectTimeoutMs,
    answerTimeoutMs: connectTimeoutMs,
    probeIntervalMs,
    // The session counts the bytes on their way to the relay.
    maxPendingBytes: Infinity,
    clock,
  });
}

/**
 * The ZeroMQ adapter: nodes connect to each other without a broker, or over a proxy.
 *
 * @module
 */

import type { Adapter } from "../adapter.ts";
import { createEngineAdapter } from "../kit/engine_adapter.ts";
import { MeshEngine } from "./mesh/engine.ts";
import { ProxyEngine } from "./proxy/engine.ts";
import { readZeroMqOptions, type ZeroMqAdapterOptions } from "./options.ts";

export type { ZeroMqKeys } from "./curve.ts";
export type { ZeroMqAdapterOptions, ZeroMqPeer, ZeroMqProxyAddress } from "./options.ts";
export { createZeroMqProxy, type ZeroMqProxy, type ZeroMqProxyOptions } from "./proxy/proxy.ts";

/**
 * Creates the adapter for ZeroMQ 4, with the library `zeromq` 6, which must be installed. It runs on Deno only. On Bun
 * the native code would end the process, so the adapter refuses to open.
 *
 * A message to a node that is away is dropped, and both sides get a report. The adapter never sends a message late or
 * twice.
 *
 * @example A mesh: the same list of peers on all nodes
 * ```ts ignore
 * // Listens.
 * const peers = ["tcp://10.0.0.5:5550", "tcp://10.0.0.6:5550"];
 * const adapter = createZeroMqAdapter({ bind: "tcp://10.0.0.5:5550", peers, curve: keys, prefix: "chat" });
 * const hub = createHub(chat, { authenticate, adapter });
 * ```
 *
 * @example Over a proxy, and an adapter that was never opened
 * ```ts
 * import { createZeroMqAdapter } from "@trunkline/hub/adapters/zeromq";
 * import { assertEquals } from "@std/assert";
 *
 * const proxy = { front: "tcp://10.0.0.5:5550", back: "tcp://10.0.0.5:5551" };
 * await using adapter = createZeroMqAdapter({ proxy, prefix: "chat" });
 * assertEquals(adapter.name, "zeromq");
 * ```
 *
 * @param options The address of this node, the prefix, and some other nodes.
 * @returns An adapter for one hub.
 * @throws {TypeError} If an option is missing, unknown, or has the wrong type, or if keys are missing.
 * @throws {RangeError} If a number is out of range.
 */
export function createZeroMqAdapter(options: ZeroMqAdapterOptions): Adapter {
  const settings = readZeroMqOptions(options);
  const { maxMessageBytes, clock, connectTimeoutMs, probeIntervalMs } = settings;
  const times = {
    answerTimeoutMs: connectTimeoutMs,
    probeIntervalMs,
    // Each connection limits its own pending bytes.
    maxPendingBytes: Infinity,
    clock,
  };
  return "mesh" in settings
    // Each connection to another node has its own timeout.
    ? createEngineAdapter(new MeshEngine(settings.mesh, maxMessageBytes), {
      ...times,
      connectTimeoutMs: Infinity,
    })
    // Two timeouts: one to connect, and one for the answer.
    : createEngineAdapter(new ProxyEngine(settings.session, maxMessageBytes), {
      ...times,
      connectTimeoutMs: 2 * connectTimeoutMs,
    });
}

/**
 * The adapter for ZeroMQ: nodes reach each other without a broker, or meet at a proxy.
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
 * Creates the adapter for ZeroMQ 4, with the library `zeromq` 6, which has to be installed. Deno only: on Bun its native code
 * would end the process, and the adapter refuses to open.
 *
 * What is published to a node that is away is dropped, and both sides hear of it; nothing is sent late or twice.
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
 * @param options Where this node listens, the prefix, and some other nodes.
 * @returns An adapter for one hub.
 * @throws {TypeError} If an option is missing, unknown, or of the wrong kind, or if keys are missing.
 * @throws {RangeError} If a number is out of range.
 */
export function createZeroMqAdapter(options: ZeroMqAdapterOptions): Adapter {
  const settings = readZeroMqOptions(options);
  const { maxMessageBytes, clock, connectTimeoutMs, probeIntervalMs } = settings;
  const times = {
    answerTimeoutMs: connectTimeoutMs,
    probeIntervalMs,
    // What is on its way their connections count.
    maxPendingBytes: Infinity,
    clock,
  };
  return "mesh" in settings
    // Each other node has a time of its own.
    ? createEngineAdapter(new MeshEngine(settings.mesh, maxMessageBytes), {
      ...times,
      connectTimeoutMs: Infinity,
    })
    // To be reached, and to answer.
    : createEngineAdapter(new ProxyEngine(settings.session, maxMessageBytes), {
      ...times,
      connectTimeoutMs: 2 * connectTimeoutMs,
    });
}

/**
 * The adapter for ZeroMQ: nodes reach each other without a broker.
 *
 * @module
 */

import type { Adapter } from "../adapter.ts";
import { createEngineAdapter } from "../kit/engine_adapter.ts";
import { MeshEngine } from "./mesh_engine.ts";
import { readZeroMqOptions, type ZeroMqAdapterOptions } from "./options.ts";

export type { ZeroMqKeys } from "./curve.ts";
export type { ZeroMqAdapterOptions, ZeroMqPeer } from "./options.ts";

/**
 * Creates the adapter for ZeroMQ 4, with the library `zeromq` 6, which has to be installed. Deno only: on Bun its native code
 * would end the process, and the adapter refuses to open.
 *
 * @param options Where this node listens, the prefix, and some other nodes.
 * @returns An adapter for one hub.
 * @throws {TypeError} If an option is missing, unknown, or of the wrong kind, or if keys are missing.
 * @throws {RangeError} If a number is out of range.
 */
export function createZeroMqAdapter(options: ZeroMqAdapterOptions): Adapter {
  const { mesh, maxMessageBytes, clock } = readZeroMqOptions(options);
  const { connectTimeoutMs, probeIntervalMs } = mesh;
  return createEngineAdapter(new MeshEngine(mesh, maxMessageBytes), {
    // Each node has this time.
    connectTimeoutMs: Infinity,
    answerTimeoutMs: connectTimeoutMs,
    probeIntervalMs,
    // What is on its way to a node its connection counts.
    maxPendingBytes: Infinity,
    clock,
  });
}

/**
 * Makes adapters, with whatever shares their connection.
 *
 * @module
 */

import type { Adapter } from "../adapter.ts";
import { createEngineAdapter } from "../kit/engine_adapter.ts";
import { NatsEngine } from "./engine.ts";
import type { Settings } from "./options.ts";

/**
 * Makes an adapter.
 *
 * @param settings The options, read.
 */
export function createAdapter(settings: Settings): Adapter {
  const { connectTimeoutMs, probeIntervalMs, clock } = settings;
  return createEngineAdapter(new NatsEngine(settings), {
    // Each server has this time, and the connection that is given its own.
    connectTimeoutMs: Infinity,
    answerTimeoutMs: connectTimeoutMs,
    probeIntervalMs,
    // What is on its way to a server the session counts.
    maxPendingBytes: Infinity,
    clock,
  });
}

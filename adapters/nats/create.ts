/**
 * Makes adapters. The adapter and its history share one connection.
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
 * @param settings The checked options.
 */
export function createAdapter(settings: Settings): Adapter {
  const { connectTimeoutMs, probeIntervalMs, clock } = settings;
  return createEngineAdapter(new NatsEngine(settings), {
    // The dialer limits the time for each server, and the user's connection has its own limit.
    connectTimeoutMs: Infinity,
    answerTimeoutMs: connectTimeoutMs,
    probeIntervalMs,
    // The session counts the bytes under way.
    maxPendingBytes: Infinity,
    clock,
  });
}

/**
 * The RabbitMQ adapter: one exchange for the application, and queues for each node. RabbitMQ delivers to a node only
 * the channels that the node subscribes to. RabbitMQ stores nothing, and needs no plugin.
 *
 * @module
 */

import type { Adapter } from "../adapter.ts";
import { createEngineAdapter } from "../kit/engine_adapter.ts";
import { RabbitMqEngine } from "./engine.ts";
import { type RabbitMqAdapterOptions, readRabbitMqOptions } from "./options.ts";

export type { RabbitMqAdapterOptions, RabbitMqClientLike } from "./options.ts";
export type { RabbitMqTlsOptions } from "./addresses.ts";

/**
 * How long RabbitMQ may take to bind a batch of channels, in milliseconds. While it deletes thousands of bindings of
 * the previous connection, it does not bind.
 */
const BINDING_TIMEOUT_MS = 60_000;

/**
 * Creates the adapter for RabbitMQ. When the hub opens it, it loads its library, `@cloudamqp/amqp-client` 4, and
 * connects. It reconnects by itself, and restores every subscription before it reports `"up"`. It does not repeat
 * messages: while RabbitMQ is away, it drops and reports publishes.
 *
 * @example The one line that changes
 * ```ts ignore
 * // Needs a server.
 * const adapter = createRabbitMqAdapter({ url: "amqp://localhost:5672", prefix: "chat" });
 * const hub = createHub(chat, { authenticate, adapter });
 * ```
 *
 * @example Options, and an adapter that was never opened
 * ```ts
 * import { createRabbitMqAdapter } from "@trunkline/hub/adapters/rabbitmq";
 * import { assertEquals } from "@std/assert";
 *
 * await using adapter = createRabbitMqAdapter({
 *   url: ["amqps://rabbit-1.example.com", "amqps://rabbit-2.example.com"],
 *   username: "chat",
 *   password: "correct horse",
 *   vhost: "realtime",
 *   prefix: "chat",
 * });
 * assertEquals(adapter.name, "rabbitmq");
 * ```
 *
 * @param options The address of RabbitMQ, and the prefix.
 * @returns An adapter for one hub.
 * @throws {TypeError} If a URL is not valid, the prefix is missing, an option is unknown, or options contradict each
 * other.
 * @throws {RangeError} If a number is out of range, or the prefix or the login is too long.
 */
export function createRabbitMqAdapter(options: RabbitMqAdapterOptions): Adapter {
  const { connectTimeoutMs, probeIntervalMs, maxPendingBytes, clock, ...settings } = readRabbitMqOptions(
    options,
  );
  return createEngineAdapter(new RabbitMqEngine({ ...settings, clock }), {
    // The timeout is for each server.
    connectTimeoutMs: Infinity,
    answerTimeoutMs: Math.max(connectTimeoutMs, BINDING_TIMEOUT_MS),
    probeIntervalMs,
    maxPendingBytes,
    clock,
  });
}

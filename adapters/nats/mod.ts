/**
 * The adapter for NATS, over core publish and subscribe, without JetStream; and histories in JetStream.
 *
 * @module
 */

import type { Adapter } from "../adapter.ts";
import { createAdapter } from "./create.ts";
import { type NatsAdapterOptions, readNatsOptions } from "./options.ts";

export { createNatsHistory } from "./history/create.ts";
export type { NatsHistorySettings } from "./history/options.ts";
export type { NatsAdapterOptions, NatsConnectionOptions, NatsHistoryOptions } from "./options.ts";
export type { NatsTlsOptions } from "./servers.ts";
export type {
  NatsClient,
  NatsMessage,
  NatsMessageHeaders,
  NatsPublishOptions,
  NatsServerInfo,
  NatsSubscribeOptions,
  NatsSubscription,
} from "./client.ts";

/**
 * Creates the adapter for NATS.
 *
 * While no server is reachable, the adapter drops every published message, and reports it with stage `"publish"`; it
 * never sends a message late. It then tries all servers until `close`, also those that other servers have announced.
 *
 * @example
 * ```ts ignore needs a NATS server
 * import { createHub } from "@trunkline/hub";
 * import { createNatsAdapter } from "@trunkline/hub/adapters/nats";
 *
 * const hub = createHub(chat, {
 *   authenticate,
 *   adapter: createNatsAdapter({ servers: ["nats://n1:4222", "nats://n2:4222"], token, prefix: "chat" }),
 * });
 * ```
 *
 * @example A connection that you already have
 * ```ts ignore needs a NATS server
 * import { connect } from "@nats-io/transport-deno";
 *
 * const connection = await connect({ servers: "n1:4222", maxReconnectAttempts: -1 });
 * const adapter = createNatsAdapter({ connection, prefix: "chat" });
 * ```
 *
 * @example Histories that all nodes share, in JetStream
 * ```ts ignore needs a NATS server
 * const adapter = createNatsAdapter({ servers: "nats://n1:4222", prefix: "chat", history: { replicas: 3 } });
 * ```
 *
 * @param options The prefix, and the addresses of the servers.
 * @returns An adapter for one hub.
 * @throws {TypeError} If the prefix is missing, or an option has the wrong type or contradicts another.
 * @throws {RangeError} If a number is out of range, or the prefix is too long.
 */
export function createNatsAdapter(options: NatsAdapterOptions): Adapter {
  return createAdapter(readNatsOptions(options));
}

/**
 * The adapter for NATS, over core publish and subscribe: nothing is stored, no JetStream is needed.
 *
 * @module
 */

import type { Adapter } from "../adapter.ts";
import { NatsAdapter } from "./adapter.ts";
import { type NatsAdapterOptions, readOptions } from "./options.ts";

export type { NatsAdapterOptions } from "./options.ts";
export type { NatsTlsOptions } from "./servers.ts";
export type {
  NatsClient,
  NatsMessage,
  NatsServerInfo,
  NatsSubscribeOptions,
  NatsSubscription,
} from "./client.ts";

/**
 * Creates the adapter for NATS.
 *
 * A message is lost, and reported with stage `"publish"`, while no server is reachable; nothing is sent late. While no
 * server is reachable the adapter tries all of them, and those that they told about, until `close`.
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
 * const adapter = createNatsAdapter({ connection });
 * ```
 *
 * @param options The options, or one or several URLs with commas between.
 * @returns An adapter for one hub.
 * @throws {TypeError} If something is of the wrong kind, or contradicts something else.
 * @throws {RangeError} If a number is not above 0, or the prefix is too long.
 */
export function createNatsAdapter(options: string | NatsAdapterOptions = {}): Adapter {
  return new NatsAdapter(readOptions(options));
}

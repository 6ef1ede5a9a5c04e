/**
 * What the tests of the adapter for NATS are played with: nodes that write down what they hear.
 *
 * @module
 */

import { connect } from "nats";
import { createNatsAdapter, type NatsAdapterOptions } from "../../../adapters/nats/mod.ts";
import { opened, type OtherServer, startOtherServer, type TestNode, testNode } from "../test_node.ts";

/** Options whose prefix is `trunkline` unless they have one. */
export type NodeOptions = Partial<NatsAdapterOptions>;

/** Makes a node, and begins to open it. */
export function createNode(options: string | NodeOptions): TestNode {
  return testNode(createNatsAdapter({
    prefix: "trunkline",
    ...typeof options === "string" ? { servers: options } : options,
  }));
}

/** Makes a node that is open and listens to these channels. */
export function openNode(options: string | NodeOptions, ...channels: string[]): Promise<TestNode> {
  return opened(createNode(options), channels);
}

/** Publishes as a foreign program. */
export async function publishForeign(url: string, subject: string, ...payloads: Uint8Array[]): Promise<void> {
  const client = await connect({ servers: url });
  for (const payload of payloads) client.publish(subject, payload);
  await client.flush();
  await client.close();
}

/** Starts a server that says something else than a NATS server would, or nothing. */
export const startOther = (words: string): Promise<OtherServer> =>
  startOtherServer((socket) => void (words && socket.write(words)));

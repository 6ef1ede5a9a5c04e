/**
 * What the tests of the adapter for RabbitMQ are played with: nodes that write down what they hear.
 *
 * @module
 */

import process from "node:process";
import { AMQPClient } from "@cloudamqp/amqp-client";
import { createRabbitMqAdapter, type RabbitMqAdapterOptions } from "../../../adapters/rabbitmq/mod.ts";
import { opened, type OtherServer, startOtherServer, type TestNode, testNode } from "../test_node.ts";

/** Options whose prefix is `trunkline` unless they have one. */
export type NodeOptions = Partial<RabbitMqAdapterOptions>;

/** Makes a node, and begins to open it. */
export function createNode(options: string | NodeOptions): TestNode {
  return testNode(createRabbitMqAdapter({
    prefix: "trunkline",
    ...typeof options === "string" ? { url: options } : options,
  }));
}

/** Makes a node that is open and listens to these channels. */
export function openNode(options: string | NodeOptions, ...channels: string[]): Promise<TestNode> {
  return opened(createNode(options), channels);
}

/** The broker of the run, which tests share. */
export const SHARED: string = process.env.RABBITMQ_URL ?? "";

/** Publishes as a foreign program. */
export async function publishForeign(
  prefix: string,
  key: string,
  payloads: readonly (Uint8Array | string)[],
  properties?: Record<string, unknown>,
): Promise<void> {
  const client = new AMQPClient(SHARED);
  await client.connect();
  const channel = await client.channel();
  await channel.confirmSelect();
  for (const payload of payloads) {
    await channel.basicPublish(`trunkline.${prefix}`, key, payload, properties);
  }
  await client.close();
}

/** Starts a server that says something else than RabbitMQ would, or nothing. */
export const startOther = (words: string): Promise<OtherServer> =>
  startOtherServer((socket) => {
    socket.resume(); // else it would not see the end
    if (words) socket.write(words);
  });

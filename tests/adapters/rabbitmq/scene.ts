/**
 * What the tests of the adapter for RabbitMQ are played with: nodes that write down what they hear.
 *
 * @module
 */

import { once } from "node:events";
import { createServer } from "node:net";
import process from "node:process";
import { AMQPClient } from "@cloudamqp/amqp-client";
import type { Adapter, AdapterData, AdapterStage } from "../../../adapters/adapter.ts";
import { createRabbitMqAdapter, type RabbitMqAdapterOptions } from "../../../adapters/rabbitmq/mod.ts";
import { waitFor } from "../../harness.ts";

/** Options whose prefix is `trunkline` unless they have one. */
export type NodeOptions = Partial<RabbitMqAdapterOptions>;

/** A node of a test. */
export interface TestNode extends AsyncDisposable {
  readonly nodeId: string;
  readonly adapter: Adapter;
  readonly opening: Promise<void>;
  readonly received: { readonly channel: string; readonly data: AdapterData; readonly from: string }[];
  readonly errors: { readonly error: Error; readonly stage: AdapterStage; readonly channel?: string }[];
  readonly statuses: ("up" | "down")[];
  /** What may have been missed. */
  readonly gaps: (readonly string[] | undefined)[];
  /** What came on a channel, in order. */
  on(channel: string): AdapterData[];
  /** Waits until this is its status. */
  is(status: "up" | "down"): Promise<void>;
  /** Waits until it was down and is up again, which may be over before anybody waits for it. */
  back(): Promise<void>;
  /** Waits for a text on a channel. */
  got(channel: string, text: string): Promise<void>;
}

/** How long anything may take, on the slowest machine. */
const PATIENCE_MS = 20_000;

/** Makes a node, and begins to open it. */
export function createNode(options: string | NodeOptions): TestNode {
  const nodeId = crypto.randomUUID();
  const adapter = createRabbitMqAdapter({
    prefix: "trunkline",
    ...typeof options === "string" ? { url: options } : options,
  });
  const received: TestNode["received"] = [];
  const errors: TestNode["errors"] = [];
  const statuses: TestNode["statuses"] = [];
  const gaps: TestNode["gaps"] = [];
  const opening = adapter.open({
    nodeId,
    deliver: (channel, data, from) => void received.push({ channel, data, from }),
    onError: (error, info) => void errors.push({ error, ...info }),
    onStatus: (status) => void statuses.push(status),
    onGap: (channels) => void gaps.push(channels),
  });
  opening.catch(() => {});
  const on = (channel: string) => received.filter((one) => one.channel === channel).map(({ data }) => data);
  const until = (condition: () => boolean, what: string) =>
    waitFor(condition, { what, timeoutMs: PATIENCE_MS });
  return {
    nodeId,
    adapter,
    opening,
    received,
    errors,
    statuses,
    gaps,
    on,
    is: async (status) => void await until(() => statuses.at(-1) === status, `status ${status}`),
    back: async () =>
      void await until(() => statuses.includes("down") && statuses.at(-1) === "up", "a new connection"),
    got: async (channel, text) =>
      void await until(() => on(channel).includes(text), `"${text}" on "${channel}"`),
    [Symbol.asyncDispose]: () => adapter.close(),
  };
}

/** Makes a node that is open and listens to these channels. */
export async function openNode(
  options: string | NodeOptions,
  ...channels: string[]
): Promise<TestNode> {
  const node = createNode(options);
  try {
    await node.opening;
    await Promise.all(channels.map((channel) => node.adapter.subscribe(channel)));
  } catch (error) {
    await node.adapter.close();
    throw error;
  }
  return node;
}

/** The broker of the run, which tests share. */
export const SHARED: string = process.env.RABBITMQ_URL ?? "";

/** Publishes as whoever is not of ours. */
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

/** A TCP server of another kind. */
export interface OtherServer extends AsyncDisposable {
  readonly port: number;
}

/** Starts a server that says something else than a NATS server would, or nothing. */
export async function startOtherServer(words: string): Promise<OtherServer> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.resume(); // else it would not see the end
    if (words) socket.write(words);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as { port: number }).port,
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, "close");
    },
  };
}

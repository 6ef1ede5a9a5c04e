/**
 * What the tests of histories in NATS JetStream are played with: servers that have it, and nodes that write down what they
 * are handed.
 *
 * @module
 */

import { connect } from "nats";
import type { HistoryStore } from "../../../adapters/history_store.ts";
import { createNatsAdapter } from "../../../adapters/nats/mod.ts";
import type { Position } from "../../../contract/mod.ts";
import { type NatsCluster, type NatsOptions, startNats } from "../../../tools/brokers/nats.ts";
import type { Broker } from "../../../tools/brokers/program.ts";
import { firstLine } from "../../../tools/brokers/sockets.ts";
import { waitFor } from "../../harness.ts";
import { opened, type TestNode, testNode } from "../test_node.ts";
import type { NodeOptions } from "./scene.ts";

/** Arguments of a server with JetStream, which keeps its files in its own folder. */
export const JETSTREAM = ["--jetstream", "--store_dir", "./jetstream"] as const;

/** Starts a server with JetStream. */
export const startJetStream = (options: NatsOptions = {}): Promise<Broker> =>
  startNats({ ...options, args: [...JETSTREAM, ...options.args ?? []] });

/** Calls the API of JetStream, as an administrator would. */
export async function call(server: Broker, name: string, request: object = {}): Promise<unknown> {
  const client = await connect({ servers: server.url });
  try {
    return (await client.request(`$JS.API.${name}`, JSON.stringify(request))).json();
  } finally {
    await client.close();
  }
}

/** The running server that leads a stream of a cluster, as soon as there is one and all replicas have what it has. */
export async function leaderOf(cluster: NatsCluster, stream: string): Promise<Broker> {
  const running = cluster.servers.filter((server) => server.running);
  return await waitFor(async () => {
    const info = await call(running[0]!, `STREAM.INFO.${stream}`) as {
      cluster: { leader?: string; replicas: { current: boolean; lag?: number }[] };
    };
    const { leader, replicas } = info.cluster;
    if (!replicas.every(({ current, lag = 0 }) => current && lag === 0)) return undefined;
    for (const server of running) {
      const { server_name } = JSON.parse((await firstLine(server.port)).replace("INFO ", ""));
      if (server_name === leader) return server;
    }
    return undefined;
  }, { what: `a leader of the stream ${stream} and its replicas`, timeoutMs: 60_000 });
}

/** Enough for all messages of a test. */
export const PLENTY = { size: 10_000, ttlMs: Infinity } as const;

/** A node with a history. */
export interface HistoryNode extends AsyncDisposable {
  readonly node: TestNode;
  readonly store: HistoryStore;
  /** The messages that it got. */
  readonly delivered: { readonly channel: string; readonly position: Position; readonly data: string }[];
  readonly errors: Error[];
  /** Appends one after the other what is written as numbers; gives the last position. */
  fill(channel: string, from: number, to: number): Promise<Position>;
  /** The data that is kept. */
  all(channel: string): Promise<string[]>;
}

/** Makes a node whose adapter and history are open. */
export async function openHistory(options: NodeOptions, ...channels: string[]): Promise<HistoryNode> {
  const node = await opened(
    testNode(createNatsAdapter({ prefix: "history", history: true, ...options })),
    channels,
  );
  const store = node.adapter.history!;
  const [delivered, errors]: [HistoryNode["delivered"], Error[]] = [[], []];
  try {
    await store.open!({
      nodeId: node.nodeId,
      deliver: (channel, position, data) => void delivered.push({ channel, position, data }),
      onError: (error) => void errors.push(error),
    });
  } catch (error) {
    await node.adapter.close();
    throw error;
  }
  return {
    node,
    store,
    delivered,
    errors,
    async fill(channel, from, to) {
      let position: Position = ["", 0];
      for (let i = from; i <= to; i++) position = await store.append(channel, `${i}`, PLENTY);
      return position;
    },
    all: async (channel) => (await store.read(channel)).records.map(({ data }) => data),
    async [Symbol.asyncDispose]() {
      await store.close!(node.nodeId);
      await node[Symbol.asyncDispose]();
    },
  };
}

/**
 * A node of a test of an adapter, which writes down what it hears and what it is told.
 *
 * @module
 */

import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import type { Adapter, AdapterData, AdapterStage } from "../../adapters/adapter.ts";
import { waitFor } from "../harness.ts";

/** A node of a test. */
export interface TestNode extends AsyncDisposable {
  readonly nodeId: string;
  readonly adapter: Adapter;
  /** Settles with the adapter's `open`. */
  readonly opening: Promise<void>;
  readonly received: { readonly channel: string; readonly data: AdapterData; readonly from: string }[];
  readonly errors: { readonly error: Error; readonly stage: AdapterStage; readonly channel?: string }[];
  readonly statuses: ("up" | "down")[];
  /** The channels of gaps, without those of breaks. */
  readonly gaps: (readonly string[] | undefined)[];
  /** The messages on a channel, in order. */
  on(channel: string): AdapterData[];
  /** Waits until this is its status. */
  is(status: "up" | "down", options?: { readonly timeoutMs?: number }): Promise<void>;
  /** Waits until it was down and is up again, which may be over before anybody waits for it. */
  back(): Promise<void>;
  /** Waits until this has come on a channel. */
  got(channel: string, data: AdapterData): Promise<void>;
  /** Waits until something holds; what was reported is part of the error. */
  until(condition: () => boolean, what: string, options?: { readonly timeoutMs?: number }): Promise<void>;
  /** The reports, as text. */
  words(): string;
}

/** How long anything may take, on the slowest machine. */
const PATIENCE_MS = 30_000;

/** Makes a node of an adapter, and begins to open it. */
export function testNode(adapter: Adapter): TestNode {
  const nodeId = crypto.randomUUID();
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
  const words = () => errors.map(({ error, stage }) => `${stage}: ${error.message}`).join("\n");
  const until: TestNode["until"] = async (condition, what, { timeoutMs = PATIENCE_MS } = {}) =>
    void await waitFor(() => condition() || Promise.reject(new Error(words())), { what, timeoutMs });
  return {
    nodeId,
    adapter,
    opening,
    received,
    errors,
    statuses,
    gaps,
    on,
    until,
    words,
    is: (status, options) =>
      until(() => statuses.at(-1) === status, `status ${status} after ${statuses.join()}`, options),
    back: () => until(() => statuses.includes("down") && statuses.at(-1) === "up", "a new connection"),
    got: (channel, data) =>
      until(() => on(channel).includes(data), `"${String(data).slice(0, 50)}" on "${channel}"`),
    [Symbol.asyncDispose]: () => adapter.close(),
  };
}

/** Waits until a node is open and listens to these channels; closes it where it cannot. */
export async function opened(node: TestNode, channels: readonly string[]): Promise<TestNode> {
  try {
    await node.opening;
    await Promise.all(channels.map((channel) => node.adapter.subscribe(channel)));
  } catch (error) {
    await node.adapter.close();
    throw error;
  }
  return node;
}

/** A TCP server of another kind than the adapter looks for. */
export interface OtherServer extends AsyncDisposable {
  readonly port: number;
}

/** Starts such a server, which does to each connection what is given. */
export async function startOtherServer(serve: (socket: Socket) => void): Promise<OtherServer> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    serve(socket);
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

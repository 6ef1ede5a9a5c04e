/**
 * A node in a worker, driven by the messages of `worker_node.ts`.
 */
import { createBroadcastChannelAdapter } from "../../adapters/broadcast_channel/mod.ts";
import type { AdapterData } from "../../adapters/adapter.ts";

/** A message to the worker. */
export type Order =
  | readonly [kind: "create", id: number, prefix: string]
  | readonly [kind: "open", id: number, nodeId: string]
  | readonly [kind: "subscribe" | "unsubscribe", id: number, channel: string]
  | readonly [kind: "publish", id: number, channel: string, data: AdapterData]
  | readonly [kind: "burst", id: number, channel: string, count: number]
  | readonly [kind: "block", id: number, ms: number]
  | readonly [kind: "close", id: number];

/** A message of the worker. */
export type Report =
  | readonly [kind: "ready"]
  | readonly [kind: "done", id: number, error?: string]
  | readonly [kind: "deliver", channel: string, data: AdapterData, from: string]
  | readonly [kind: "error", message: string, stage: string, channel?: string]
  | readonly [kind: "status", status: "up" | "down"];

const scope = globalThis as unknown as {
  postMessage(report: Report): void;
  onmessage: (event: MessageEvent<Order>) => void;
};
const say = (...report: Report) => scope.postMessage(report);
let adapter = createBroadcastChannelAdapter({ prefix: "unused" });

async function obey(order: Order): Promise<void> {
  switch (order[0]) {
    case "create":
      adapter = createBroadcastChannelAdapter({ prefix: order[2] });
      return;
    case "open":
      return await adapter.open({
        nodeId: order[2],
        deliver: (channel, data, from) => say("deliver", channel, data, from),
        onError: (error, { stage, channel }) => say("error", error.message, stage, channel),
        onStatus: (status) => say("status", status),
        onGap: () => {},
      });
    case "subscribe":
      return await adapter.subscribe(order[2]);
    case "unsubscribe":
      return await adapter.unsubscribe(order[2]);
    case "publish":
      return adapter.publish(order[2], order[3]);
    case "burst":
      // One turn each, so that nothing but the adapter's own pace joins them.
      for (let i = 0; i < order[3]; i++) {
        adapter.publish(order[2], `${i}`);
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
      return;
    case "block": {
      const end = performance.now() + order[2];
      while (performance.now() < end);
      return;
    }
    case "close":
      return await adapter.close();
  }
}

scope.onmessage = async ({ data: order }) => {
  try {
    await obey(order);
    say("done", order[1]);
  } catch (error) {
    say("done", order[1], (error as Error).message);
  }
};
say("ready");

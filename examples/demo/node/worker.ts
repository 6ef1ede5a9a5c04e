/**
 * A node in a worker. `supervisor.ts` starts and stops it.
 *
 * @module
 */

import { ADAPTERS } from "../adapters.ts";
import type { Slot } from "../contract.ts";
import { type NodeOptions, type RunningNode, startNode } from "./node.ts";

/** A message to the worker. */
export type Order =
  | {
    readonly kind: "start";
    readonly adapter: string;
    readonly prefix: string;
    readonly options: NodeOptions;
  }
  | { readonly kind: "slots"; readonly slots: readonly Slot[] }
  | { readonly kind: "stop"; readonly drainMs: number };

/** A message of the worker. */
export type Report =
  | { readonly kind: "started"; readonly port: number }
  | { readonly kind: "failed"; readonly message: string }
  | { readonly kind: "stopped" };

const scope = globalThis as unknown as {
  postMessage(report: Report): void;
  onmessage: (event: MessageEvent<Order>) => void;
};
let node: RunningNode | undefined;

async function obey(order: Order): Promise<void> {
  switch (order.kind) {
    case "start":
      node = await startNode(
        order.options,
        (await ADAPTERS[order.adapter]!.prepare(order.prefix))(order.options.number),
      );
      return scope.postMessage({ kind: "started", port: node.port });
    case "slots":
      return node?.tell(order.slots);
    case "stop":
      await node?.stop(order.drainMs);
      return scope.postMessage({ kind: "stopped" });
  }
}

scope.onmessage = ({ data: order }) => {
  obey(order).catch((error: Error) => scope.postMessage({ kind: "failed", message: error.message }));
};

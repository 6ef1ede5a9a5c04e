/**
 * Opens connections off the main thread, and writes to all of them while the main thread stands still: whatever it
 * finds when it goes on was there before it looked.
 *
 * @module
 */

import { opcode, RawClient } from "./raw_client.ts";

/** What the worker is told. */
export type BurstOrder =
  | { readonly open: number; readonly port: number }
  | { readonly wrote: Int32Array }
  | "close";

const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent<BurstOrder>) => void;
  postMessage(message: "opened" | "closed"): void;
};

let clients: RawClient[] = [];

scope.onmessage = async ({ data: order }) => {
  if (order === "close") {
    await Promise.all(clients.map((client) => client.destroy()));
    scope.postMessage("closed");
  } else if ("wrote" in order) {
    await Promise.all(clients.map((client, index) => client.send(opcode.text, `${index}`)));
    Atomics.store(order.wrote, 0, 1);
    Atomics.notify(order.wrote, 0);
  } else {
    const { open, port } = order;
    clients = await Promise.all(Array.from({ length: open }, () => RawClient.open(port)));
    scope.postMessage("opened");
  }
};

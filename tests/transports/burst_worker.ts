/**
 * Opens connections off the main thread, and writes to all of them while the main thread stands still: whatever it
 * finds when it goes on was there before it looked.
 *
 * @module
 */

import { opcode, RawClient } from "./raw_client.ts";

/** A message to the worker. */
export type BurstOrder =
  | { readonly open: number; readonly port: number }
  | { readonly wrote: Int32Array }
  /** The first client sends so many frames that start with their number, and says goodbye; then the others send one. */
  | { readonly flood: number; readonly size: number; readonly wrote: Int32Array }
  | "close";

const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent<BurstOrder>) => void;
  postMessage(message: "opened" | "closed"): void;
};

let clients: RawClient[] = [];

function tell(wrote: Int32Array): void {
  Atomics.store(wrote, 0, 1);
  Atomics.notify(wrote, 0);
}

scope.onmessage = async ({ data: order }) => {
  if (order === "close") {
    await Promise.all(clients.map((client) => client.destroy()));
    scope.postMessage("closed");
  } else if ("flood" in order) {
    const { flood, size, wrote } = order;
    const [flooder, ...others] = clients;
    for (let i = 0; i < flood; i++) void flooder!.send(opcode.text, `${i} `.padEnd(size));
    await flooder!.send(opcode.close, new Uint8Array([1000 >> 8, 1000 & 0xff]));
    tell(wrote);
    for (const other of others) void other.send(opcode.text, "other");
  } else if ("wrote" in order) {
    await Promise.all(clients.map((client, index) => client.send(opcode.text, `${index}`)));
    tell(order.wrote);
  } else {
    const { open, port } = order;
    clients = await Promise.all(Array.from({ length: open }, () => RawClient.open(port)));
    scope.postMessage("opened");
  }
};

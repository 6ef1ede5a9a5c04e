/**
 * What is of no hub, sent to where nodes are.
 *
 * @module
 */

import { toBatch, toEntry } from "../../../adapters/zeromq/batch.ts";
import { nameOf, Topics } from "../../../adapters/zeromq/names.ts";
import { waitFor } from "../../harness.ts";

/** Messages that are no envelopes, and what is not even a batch. */
function foreignBatches(name: string, channel: string): Uint8Array[] {
  const data = ["", "hello", "TL1", "TL1t99999:x", "TL2t1:ax", new Uint8Array([255, 0, 1])];
  const batches = data.map((data) => toBatch([toEntry({ name, channel, data })]));
  return [...batches, new Uint8Array([1]), new Uint8Array([0, 0, 0, 9, 1]), batches[1]!.slice(0, -1)];
}

/** Sends it to nodes of a mesh, as one of them would; also what nodes do not say to each other. */
export async function sendForeign(nodes: readonly string[], prefix: string, channel: string): Promise<void> {
  const zmq = await import("zeromq");
  for (const node of nodes) {
    const context = new zmq.Context({ blocky: false });
    const routingId = crypto.randomUUID();
    const socket = new zmq.Dealer({ context, routingId, linger: 0, sendTimeout: 0, receiveTimeout: 0 });
    socket.connect(node);
    const hello = { v: 1, prefix, id: crypto.randomUUID(), address: "tcp://127.0.0.1:1", joined: false };
    const words = [
      "",
      "null",
      "{}",
      "[",
      '["hello"]',
      '["hello",{"v":1}]',
      '["has",-1]',
      '["ping"]',
      '["lost",[5]]',
    ];
    for (const word of [...words, JSON.stringify(["hello", hello])]) await socket.send([word]);
    for (const batch of foreignBatches(nameOf(channel), channel)) await socket.send(["", batch]);
    await socket.send([JSON.stringify(["bye", 7])]);
    // The answer to the last word says that all was read.
    await waitFor(async () => {
      while (socket.readable) if (String(await socket.receive()).includes('"pong",7')) return true;
    }, { what: "an answer" });
    socket.close();
  }
}

/** Sends it to nodes at a proxy. */
export async function publishForeign(front: string, prefix: string, channel: string): Promise<void> {
  const zmq = await import("zeromq");
  const context = new zmq.Context({ blocky: false });
  const socket = new zmq.XPublisher({ context, linger: 200, sendTimeout: 0, receiveTimeout: 0 });
  socket.connect(front);
  await waitFor(() => socket.readable, { what: "the subscriptions" });
  const topic = new Topics(prefix).ofChannel(channel);
  const chain = `${crypto.randomUUID()} 1 0`;
  for (const batch of foreignBatches(topic, channel)) await socket.send([topic, chain, batch]);
  for (const frames of [[topic], [topic, "[]"], [topic, "no chain", "x"], [topic, "", ""]]) {
    await socket.send(frames);
  }
  socket.close();
}

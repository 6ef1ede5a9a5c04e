/**
 * A process with only a relay, for the nodes at the other end of its pipe. The messages `"stop"` and `"start"` stop the relay
 * and start it again.
 *
 * @module
 */

import process from "node:process";
import { type NodeClusterRelay, relayNodeCluster } from "@trunkline/hub/adapters/node-cluster";

let relay: NodeClusterRelay | undefined;

function start(): void {
  if (relay) return;
  const maxPendingBytes = Number(process.env["MAX_PENDING_BYTES"]) || undefined;
  relay = relayNodeCluster({ maxPendingBytes, onError: ({ message }) => process.send!({ report: message }) });
  relay.add(process);
}

process.on("message", (order: unknown) => {
  if (order === "stop") {
    relay?.close();
    relay = undefined;
  } else if (order === "start") {
    start();
  } else {
    return;
  }
  process.send!({ done: order });
});
process.on("disconnect", () => process.exit(0));
start();
process.send!({ done: "start" });

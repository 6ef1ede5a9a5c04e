/**
 * A node in a process of its own; see `startElsewhere`.
 */
import { createZeroMqAdapter } from "@trunkline/hub/adapters/zeromq";
import process from "node:process";

const adapter = createZeroMqAdapter(JSON.parse(process.argv[2]!));
await adapter.open({
  nodeId: `elsewhere-${process.pid}`,
  deliver: (channel, data) => adapter.publish(channel, String(data).replace("ping", "pong")),
  onError: () => {},
  onStatus: () => {},
  onGap: () => {},
});
await adapter.subscribe("news");
console.log("ready");
setInterval(() => {}, 60_000); // until it is killed

/**
 * A node in a process of its own; see `startElsewhere`. It answers "ping …" on the channel "news" with "pong …", and prints all that
 * it hears.
 */
import { createLibp2pAdapter } from "@trunkline/hub/adapters/libp2p";
import process from "node:process";
import type { Word } from "./processes.ts";

function say(word: Word): void {
  process.stdout.write(`${JSON.stringify(word)}\n`);
}

const adapter = createLibp2pAdapter(JSON.parse(process.argv[2]));
await adapter.open({
  nodeId: `elsewhere-${process.pid}`,
  deliver(channel, data) {
    const text = String(data);
    say({ kind: "got", text });
    if (text.startsWith("ping")) adapter.publish(channel, text.replace("ping", "pong"));
  },
  onError: ({ message }) => say({ kind: "error", text: message }),
  onStatus: (kind) => say({ kind }),
  onGap: () => say({ kind: "gap" }),
});
await adapter.subscribe("news");
say({ kind: "ready" });
setInterval(() => {}, 60_000); // until it is killed

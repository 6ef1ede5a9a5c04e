/** A node that is killed, in a worker. It imports no other adapter: Deno checks the types of every module that a worker may load. */
import { createBroadcastChannelAdapter } from "@trunkline/hub/adapters/broadcast-channel";
import { live, type Word } from "./doomed_node.ts";

const scope = globalThis as unknown as {
  postMessage(word: Word): void;
  onmessage: (event: MessageEvent<{ readonly prefix: string }>) => void;
};
scope.onmessage = ({ data: { prefix } }) =>
  void live(createBroadcastChannelAdapter({ prefix }), (word) => scope.postMessage(word));

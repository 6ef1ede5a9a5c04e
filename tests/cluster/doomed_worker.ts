/**
 * A node that is killed, in a worker. It imports no other adapter: Deno checks the types of every module that a worker may load when it starts
 * it, which on a busy machine took longer than the test.
 */
import { createBroadcastChannelAdapter } from "@trunkline/hub/adapters/broadcast-channel";
import { live, type Place, type Word } from "./doomed_node.ts";

const scope = globalThis as unknown as {
  postMessage(word: Word): void;
  onmessage: (event: MessageEvent<Place>) => void;
};
scope.onmessage = ({ data: { prefix } }) =>
  void live(createBroadcastChannelAdapter({ prefix }), (word) => scope.postMessage(word));

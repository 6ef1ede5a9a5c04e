/** The hooks of the crossws peers in the recovery benchmarks: every client gets story 0. @module */

import { defineHooks } from "crossws";

/** The hooks, the same on every runtime. */
export const hooks = defineHooks({
  open(peer) {
    peer.subscribe("story/0");
    peer.send("ready");
  },
});

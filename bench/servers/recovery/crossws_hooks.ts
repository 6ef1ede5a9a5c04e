/** What the crossws peers do where recovery is measured: everybody hears story 0. @module */

import { defineHooks } from "crossws";

/** The hooks, on every runtime alike. */
export const hooks = defineHooks({
  open(peer) {
    peer.subscribe("story/0");
    peer.send("ready");
  },
});

/** The hooks of the crossws peers, the same on every runtime. @module */

import { defineHooks } from "crossws";

/** Every client gets every line. crossws' `publish` leaves out the sender, so the sender gets the line separately. */
export const hooks = defineHooks({
  open(peer) {
    peer.subscribe("bench");
    peer.send("ready");
  },
  message(peer, message) {
    const text = message.text();
    if (!text.startsWith("?")) peer.publish("bench", text);
    peer.send(text);
  },
});

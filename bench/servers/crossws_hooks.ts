/** What the crossws peers do, on every runtime alike. @module */

import { defineHooks } from "crossws";

/** Everybody hears every line; crossws' `publish` leaves its sender out, who is sent it alone. */
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

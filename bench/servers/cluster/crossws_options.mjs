/** The options of the crossws peers as nodes of a cluster, the same on every runtime. @module */

import { defineHooks } from "crossws";
import { redis } from "crossws/sync";
import { Redis } from "ioredis";
import { count, order } from "./order.mjs";

/** Clients subscribe to topics by `+["a","b"]`; any other text is `{ room, text }`, which goes to all subscribers of the room. */
const hooks = defineHooks({
  open: (peer) => void peer.send("ready"),
  message(peer, message) {
    const text = message.text();
    if (text.startsWith("+")) {
      for (const topic of JSON.parse(text.slice(1))) peer.subscribe(topic);
      peer.send("joined");
    } else peer.publish(JSON.parse(text).room, text);
  },
});

const driver = redis({ client: new Redis(order.url), channel: order.prefix });

/** Makes the driver count the messages that it delivers. */
const counting = (node) => {
  const inner = driver(node);
  const subscribe = (deliver) =>
    inner.subscribe((message) => {
      count(message.topic);
      deliver(message);
    });
  return { ...inner, subscribe };
};

/** The options of every runtime's `crossws`. */
export const options = { hooks, sync: order.count ? counting : driver };

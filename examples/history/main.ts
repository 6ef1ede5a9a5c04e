// A client misses no message, although its node is killed: two nodes, a client, and a program that publishes all the time.
// Needs Redis, on 127.0.0.1:6379 or at the address in REDIS_URL.
// Run: deno run --allow-all examples/history/main.ts
//  or: bun examples/history/main.ts
import { createEmitter } from "@trunkline/hub";
import { createRedisAdapter } from "@trunkline/hub/adapters/redis";
import { createClient } from "@trunkline/hub/client";
import { prices } from "./contract.ts";
import { type Node, startNode } from "./processes.ts";
import { redis } from "./redis.ts";

const TOPIC = "price/ACME";
const COUNT = 30;
/** After this price the example kills the client's node. */
const KILL_AFTER = 10;
const PAUSE_MS = 100;

const nodes: Node[] = await Promise.all([startNode(), startNode()]);
const [first, second] = nodes as [Node, Node];
await using emitter = createEmitter(prices, { adapter: createRedisAdapter(redis) });
await using client = createClient(prices, { url: [first.url, second.url], role: "reader" });

const heard: number[] = [];
const { promise: all, resolve } = Promise.withResolvers<void>();
const subscription = client.subscribe(TOPIC, ({ price }, { recovered }) => {
  heard.push(price);
  console.log(`price ${price}${recovered ? "   (missed, and sent from the history)" : ""}`);
  if (price === COUNT) resolve();
}, {
  onRecovery: ({ recovered }) => {
    console.log(
      recovered ? "back on the other node: nothing is missing" : "messages are missing: load the data again",
    );
    if (!recovered) resolve();
  },
});
await subscription.ready;
console.log(`the client is on ${first.url}`);

for (let price = 1; price <= COUNT; price++) {
  await emitter.publish(TOPIC, { price });
  if (price === KILL_AFTER) {
    first.kill();
    console.log(`killed process ${first.pid}, which served the client`);
  } else if (price < KILL_AFTER || price > KILL_AFTER + 3) {
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS)); // no pause for the three prices during the outage
  }
}
await all;

const missing = COUNT - new Set(heard).size;
const inOrder = heard.every((price, i) => i === 0 || price > heard[i - 1]!);
console.log(
  `published ${COUNT}, heard ${heard.length}, missing ${missing}, ${inOrder ? "in order" : "NOT in order"}`,
);
second.stop();

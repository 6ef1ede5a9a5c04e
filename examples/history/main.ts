// A client whose node is killed misses nothing: two nodes, a client, and a program that publishes all the while.
// Needs Redis, on 127.0.0.1:6379 or where REDIS_URL says.
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
/** After which price the node is killed that serves the client. */
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
  console.log(`price ${price}${recovered ? "   (was missed, and came from the history)" : ""}`);
  if (price === COUNT) resolve();
}, {
  onRecovery: ({ recovered }) => {
    console.log(
      recovered ? "back on the other node: nothing is missing" : "something is missing: load it anew",
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
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS)); // but for the three that nobody is there to hear
  }
}
await all;

const missing = COUNT - new Set(heard).size;
const inOrder = heard.every((price, i) => i === 0 || price > heard[i - 1]!);
console.log(
  `published ${COUNT}, heard ${heard.length}, missing ${missing}, ${inOrder ? "in order" : "NOT in order"}`,
);
second.stop();

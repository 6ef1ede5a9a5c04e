// Run: bun examples/hello-bun/client.ts [URL]
import { createClient } from "@trunkline/hub/client";
import { argv } from "node:process";
import { clocks } from "./contract.ts";

const [url = "ws://127.0.0.1:8000/realtime"] = argv.slice(2);
await using client = createClient(clocks, { url, role: "viewer" });

const { promise: enough, resolve } = Promise.withResolvers<void>();
let ticks = 0;
client.subscribe("clock/utc", ({ time }) => {
  console.log(`It is ${time}`);
  if (++ticks === 3) resolve();
});
await enough;

// Run: deno run --allow-net examples/hono/client.ts [URL]
import { createClient } from "@trunkline/hub/client";
import { argv } from "node:process";
import { shop } from "./contract.ts";

const [url = "http://127.0.0.1:8000"] = argv.slice(2);
await using kitchen = createClient(shop, { url: `${url}/realtime`, role: "kitchen", token: "let me cook" });
await kitchen.ready;

const { promise: ordered, resolve } = Promise.withResolvers<string>();
kitchen.on("ordered", ({ dish, table }) => resolve(`${dish} for table ${table}`));

// An order, as any HTTP client sends it.
await fetch(`${url}/orders`, { method: "POST", body: JSON.stringify({ dish: "soup", table: 4 }) });
console.log(await ordered);

// A client. It says hello, and prints the process of each client whose message it gets.
// Run: deno run --allow-net examples/all-cores/client.ts [NAME] [URL]
//  or: bun examples/all-cores/client.ts [NAME] [URL]
import { createClient } from "@trunkline/hub/client";
import { argv } from "node:process";
import { chat } from "./contract.ts";

const [name = "guest", url = "ws://127.0.0.1:8000/realtime"] = argv.slice(2);
const client = createClient(chat, { url, role: "member" });

client.on("welcome", ({ pid }) => console.log(`${name} is on process ${pid}`));
client.on("said", ({ pid, text }) => console.log(`from process ${pid}: ${text}`));
setInterval(() => client.status === "open" && client.signal("say", { text: `hello from ${name}` }), 1_000);

// A client in its own process. It sends a message from time to time, and prints the messages that it gets.
// Run: deno run --allow-all examples/cluster/client.ts NAME [URL...]
//  or: bun examples/cluster/client.ts NAME [URL...]
import { createClient } from "@trunkline/hub/client";
import process, { argv, env } from "node:process";
import { chat } from "./contract.ts";

const [name = "Ann", ...urls] = argv.slice(2);
const url = urls.length > 0 ? urls : "ws://127.0.0.1:8000/realtime";

const client = createClient(chat, {
  url, // the proxy's address; or the addresses of all nodes: if one goes away, the client tries the next
  role: "member",
  token: name,
  // Shorter than the defaults, so that you need not wait long in this example.
  reconnect: { baseMs: 200, maxMs: 2_000 },
});

let node = "";
client.on("welcome", (welcome) => {
  console.log(
    node && node !== welcome.node ? `moved from ${node} to ${welcome.node}` : `is on ${welcome.node}`,
  );
  node = welcome.node;
});
client.on("said", ({ name, node, text }) => console.log(`hears ${name} on ${node}: ${text}`));
client.onStatus((status, { error }) => {
  if (status === "connecting" || status === "reconnecting") {
    console.log(`is not connected: ${error?.message ?? `${node} asks to move`}`);
  }
});

let count = 0;
const timer = setInterval(() => {
  // Otherwise the client would queue the messages, and send all of them at once later.
  if (client.status === "open") client.signal("say", { text: `no. ${++count}` });
}, Number(env.SAY_EVERY_MS ?? 3_000));

async function stop(): Promise<void> {
  clearInterval(timer);
  await client.close();
}
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, stop);

const cause = await client.closed;
if (cause) {
  console.error(`was refused: ${cause.message}`);
  process.exit(1);
}
process.exit();

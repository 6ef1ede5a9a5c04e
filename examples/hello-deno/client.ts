// Run: deno run --allow-net examples/hello-deno/client.ts [URL]
import { createClient } from "@trunkline/hub/client";
import { hello } from "./contract.ts";

const [url = "ws://127.0.0.1:8000/realtime"] = Deno.args;
await using client = createClient(hello, { url, role: "guest" });

client.on("entered", ({ name }) => console.log(`${name} has entered`));

const { greeting } = await client.request("enter", { name: "Ann" }); // once is enough: see `rejoin` in the server
console.log(greeting);

import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import process from "node:process";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { runtime, test } from "../../harness.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

/** Opens the adapter, and prints what became of it and that the process lives on. */
const PROGRAM = `
import { createZeroMqAdapter } from "@trunkline/hub/adapters/zeromq";
const adapter = createZeroMqAdapter({ bind: "tcp://127.0.0.1:*", prefix: "bun" });
const context = { nodeId: "n", deliver() {}, onError() {}, onStatus() {}, onGap() {} };
const outcome = await adapter.open(context).then(() => "opened", (error) => error.message);
await adapter.close();
console.log(outcome);
console.log("and the process goes on");
`;

const title = "on Bun the adapter refuses to open, and the process lives on";
if (runtime === "deno") test.skip(title, "Deno runs the library");
else {
  test(title, async () => {
    const child = spawn(process.execPath, ["-e", PROGRAM], { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => output += data);
    const [code] = await once(child, "exit");
    assertEquals(code, 0, output);
    assertStringIncludes(output, "Cannot use ZeroMQ on Bun");
    assertStringIncludes(output, "Run this node on Deno");
    assertStringIncludes(output, "and the process goes on");
  });
}

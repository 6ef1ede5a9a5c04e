import { assertEquals, assertStringIncludes } from "@std/assert";
import { serveSockets } from "./socket_server.ts";
import { WELCOME } from "./fake_server.ts";
import { bundle } from "../../examples/demo/bundle.ts";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { test } from "../harness.ts";

test("the client runs on an engine that lacks what phones and older browsers lack", async () => {
  let asked = 0;
  await using server = serveSockets((message, say) => {
    if (message[0] === "hello") say(["welcome", { ...WELCOME, maxFrameBytes: 1_000_000 }]);
    if (message[0] === "sub") say(["res", message[1]], ["pub", message[2], 1]);
    if (message[0] === "res") say(["ev", "told", message[2]], ["res", asked, message[2]]);
    if (message[0] !== "req") return;
    if (message[2] === "ask") say(["req", asked = message[1], "ask", message[3]]);
    if (message[2] === "echo") say(["res", message[1], message[3]]);
    if (message[2] === "drop") server.dropAll();
  });
  const worker = new Worker(new URL("./old_engine_worker.ts", import.meta.url), { type: "module" });
  try {
    const told = await new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = (event) => reject(new Error(event.message));
      worker.postMessage(server.url);
    });
    assertEquals(told, [
      1,
      true,
      "1,2",
      "AbortError",
      "AbortError",
      "DISCONNECTED",
      1,
      "again",
      "you!",
      "you!",
      2,
      "closed",
      undefined,
    ]);
  } finally {
    worker.terminate();
  }
});

/** On Node before 22; on a later one without its WebSocket, which is what matters. */
const PROGRAM = `
delete globalThis.WebSocket;
delete Promise.withResolvers;
const { createClient } = await import("./client.mjs");
const client = (url) => {
  try {
    createClient({ roles: new Map([["member", {}]]) }, { url, role: "member" });
  } catch (error) {
    console.log(error.name + ": " + error.message);
  }
};
client("ws://127.0.0.1:1/");
client("nonsense");
`;

test("without a WebSocket createClient says in one sentence what it needs", async () => {
  const folder = await mkdtemp(join(tmpdir(), "trunkline-"));
  try {
    const [code] = await bundle(new URL("../../client/mod.ts", import.meta.url));
    await writeFile(join(folder, "client.mjs"), code!);
    await writeFile(join(folder, "main.mjs"), PROGRAM);
    const { stdout } = await promisify(execFile)("node", ["main.mjs"], { cwd: folder });
    const [noSocket, noUrl] = stdout.split("\n");
    assertEquals(
      noSocket,
      "TypeError: Cannot connect: this platform has no WebSocket; use Node 22 or newer, or pass `transport`",
    );
    assertStringIncludes(noUrl!, "give an absolute one");
  } finally {
    await rm(folder, { recursive: true });
  }
});

import { assert, assertEquals } from "@std/assert";
import type { Hub } from "@trunkline/hub";
import { createClient } from "@trunkline/hub/client";
import { runtime, test, waitFor } from "../harness.ts";
import { serve, type ServeOptions } from "../serve.ts";
import { createFolder, readGuide } from "./markdown.ts";
import { freePort } from "../../tools/brokers/ports.ts";
import { startProgram } from "./program.ts";

const blocks = await readGuide();

/** Blocks that only one runtime can run, in a separate program. */
const PROGRAMS: Readonly<Record<string, string>> = { deno: "deno.ts", bun: "bun.ts" };

interface App {
  readonly hub: Hub<Record<never, never> & { roles: Record<never, never> }>;
  readonly app: Pick<ServeOptions, "fetch">;
}

test("every block of the guide runs", async () => {
  assert(blocks.length > 15, "the blocks are there");
  await using folder = await createFolder();
  for (const { name, code } of blocks) await folder.write(name, code);
  const { app, hub } = await folder.run("app.ts") as unknown as App;
  const server = serve({
    fetch: (request, platform) => app.fetch(request, platform),
    websocket: hub.websocket,
  });
  const { debug, error } = console;
  console.debug = console.error = () => {};
  try {
    for (const { name, named, code } of blocks) {
      await folder.write(name, code.replaceAll("localhost:8000", `127.0.0.1:${server.port}`));
      try {
        if (!named) await folder.run(name);
      } catch (cause) {
        throw new Error(`The block at ${name} of the guide fails: ${cause}`, { cause });
      }
    }
  } finally {
    Object.assign(console, { debug, error });
    await hub.close();
    await server.close();
  }
});

test("the server of the guide serves, and ends on a signal", async () => {
  await using folder = await createFolder();
  for (const { name, named, code } of blocks) if (named) await folder.write(name, code);
  const port = await freePort();
  await using program = startProgram(
    folder.path,
    runtime === "deno" ? ["run"] : [],
    PROGRAMS[runtime]!,
    port,
  );
  const { chat } = await folder.run("chat.ts") as { chat: Parameters<typeof createClient>[0] };
  const client = createClient(chat, {
    url: `ws://127.0.0.1:${port}/realtime`,
    role: "member",
    token: "token of ann",
    reconnect: { baseMs: 20, maxMs: 100 },
  });
  await waitFor(() => client.ready.then(() => true), { timeoutMs: 20_000, what: "the server to serve" });
  const health = await (await fetch(`http://127.0.0.1:${port}/realtime/health`)).json();
  assertEquals([health.status, health.connections], ["ok", 1]);
  await client.close();
  assertEquals(await program.terminate(), [0, null]);
}, { timeoutMs: 60_000 });

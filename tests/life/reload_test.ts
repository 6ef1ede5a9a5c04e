import { assert, assertEquals } from "@std/assert";
import { type Client, createClient, defineContract } from "@trunkline/hub";
import { z } from "zod";
import { createFolder } from "../docs/markdown.ts";
import { freePort } from "../../tools/brokers/ports.ts";
import { runtime, test, waitFor } from "../harness.ts";
import { TerminalProgram } from "./terminal.ts";

const contract = defineContract({
  roles: { member: { clientToServer: { ask: { input: z.null(), output: z.string() } } } },
});

/** A server whose handler answers with its generation. */
const serverOf = (generation: number, port: number, lines: string) => `
import { createHub, defineContract } from "@trunkline/hub";
import { z } from "zod";
const contract = defineContract({
  roles: { member: { clientToServer: { ask: { input: z.null(), output: z.string() } } } },
});
const hub = createHub(contract, { authenticate: ({ role }) => ({ role }) });
hub.implement({ member: { ask: () => "generation ${generation}" } });
${lines}
export default { port: ${port}, hostname: "127.0.0.1", fetch: hub.routes.fetch, websocket: hub.websocket };
`;

const COMMANDS: Readonly<Record<string, (port: number) => string[]>> = {
  bun: () => ["--hot"],
  deno: (port) => ["serve", "--watch-hmr", "--no-check", "--host=127.0.0.1", `--port=${port}`],
};

/** Runs a server, saves it anew three times, and gives back what it has printed. */
async function saveThrice(lines: string): Promise<string> {
  await using folder = await createFolder();
  const port = await freePort();
  await folder.write("server.ts", serverOf(0, port, lines));
  await using program = new TerminalProgram(folder.path, COMMANDS[runtime]!(port), "server.ts");
  const client: Client<(typeof contract)["definition"], "member"> = createClient(contract, {
    url: `ws://127.0.0.1:${port}/`,
    role: "member",
    requestTimeoutMs: 1_000,
    reconnect: { baseMs: 20, maxMs: 200 },
    onError() {},
  });
  try {
    for (let generation = 0; generation <= 3; generation++) {
      if (generation > 0) await folder.write("server.ts", serverOf(generation, port, lines));
      const answer = () => client.request("ask", null).catch(String);
      await waitFor(async () => await answer() === `generation ${generation}`, {
        timeoutMs: 15_000,
        what: `the answer of generation ${generation}: ${program.output}`,
      });
    }
  } finally {
    await client.close();
  }
  program.signal("SIGINT");
  await program.ended(10_000);
  return program.output;
}

test("life: clients of a server that reloads after a save get to the new one", async () => {
  const output = await saveThrice("");
  // Bun keeps the old hub, which only its own program can close; Deno starts the program anew.
  assertEquals(output.includes("globalThis.hub?.close(); globalThis.hub = hub"), runtime === "bun", output);
}, { timeoutMs: 90_000 });

test("life: with one line the old hub is closed at a save, and there is nothing to report", async () => {
  const output = await saveThrice("globalThis.hub?.close(); globalThis.hub = hub;");
  assert(!output.includes("[trunkline]"), output);
}, { timeoutMs: 90_000 });

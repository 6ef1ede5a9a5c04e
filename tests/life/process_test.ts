import { assert, assertEquals } from "@std/assert";
import { createClient } from "@trunkline/hub";
import { blocksOf, createFolder, readDocument } from "../docs/markdown.ts";
import { freePort } from "../../tools/brokers/ports.ts";
import { runtime, test, waitFor } from "../harness.ts";
import { TerminalProgram } from "./terminal.ts";

/** How long a server may take to end, in milliseconds. */
const END_MS = 1_000;

const blocks = blocksOf(await readDocument("README.md"));
const blockOf = (name: string) => blocks.find((block) => block.name === name)!.code;

/** The lines of the README's server that close the hub on a signal. */
const ON_SIGNAL = /^import process.*\n|^for \(const signal of .*\n/gm;

async function startServer(folder: { readonly path: string }, port: number): Promise<TerminalProgram> {
  const command = runtime === "deno" ? ["serve", "--host=127.0.0.1", `--port=${port}`] : [];
  const program = new TerminalProgram(folder.path, command, "server.ts");
  await waitFor(() => fetch(`http://127.0.0.1:${port}/realtime/health`).then((response) => response.text()), {
    timeoutMs: 20_000,
    what: "the server to serve",
  });
  return program;
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  test(`life: the server of the README ends at the first ${signal}, and informs its clients`, async () => {
    await using folder = await createFolder();
    const port = await freePort();
    const server = blockOf("server.ts").replaceAll("8000", String(port));
    assertEquals(server.match(ON_SIGNAL)?.length, 2);
    await folder.write("chat.ts", blockOf("chat.ts"));
    await folder.write("server.ts", server);
    await using program = await startServer(folder, port);
    const { chat } = await folder.run("chat.ts") as { chat: Parameters<typeof createClient>[0] };
    const clients = Array.from(
      { length: 3 },
      () => createClient(chat, { url: `ws://127.0.0.1:${port}/realtime`, role: "member", reconnect: false }),
    );
    await Promise.all(clients.map((client) => client.ready));
    program.signal(signal);
    const { code, ms } = await program.ended(10_000);
    assertEquals(code, 0, program.output);
    assert(ms < END_MS, `it took ${ms} ms`);
    await waitFor(() => clients.every(({ status }) => status === "closed"));
    await Promise.all(clients.map((client) => client.close()));
  }, { timeoutMs: 60_000 });

  test(`life: a server that does nothing on signals ends at the first ${signal} too`, async () => {
    await using folder = await createFolder();
    const port = await freePort();
    await folder.write("chat.ts", blockOf("chat.ts"));
    await folder.write(
      "server.ts",
      blockOf("server.ts").replaceAll("8000", String(port)).replaceAll(ON_SIGNAL, ""),
    );
    await using program = await startServer(folder, port);
    const { chat } = await folder.run("chat.ts") as { chat: Parameters<typeof createClient>[0] };
    const url = `ws://127.0.0.1:${port}/realtime`;
    const client = createClient(chat, { url, role: "member", reconnect: false });
    await client.ready;
    program.signal(signal);
    const { ms } = await program.ended(10_000);
    assert(ms < END_MS, `it took ${ms} ms`);
    await client.closed;
  }, { timeoutMs: 60_000 });
}

const IMPORTS = `
import { createClient, createHub, defineContract } from "@trunkline/hub";
const contract = defineContract({ roles: { member: {} } });
const createNode = (options = {}) => {
  const hub = createHub(contract, { authenticate: ({ role }) => ({ role }), ...options });
  hub.implement({ member: {} });
  return hub;
};
`;

/** Scripts that have nothing left to do, and so end by themselves. */
const scripts: Readonly<Record<string, string>> = {
  "waits until its hub is ready, and goes on to its end": `
    const hub = createNode();
    await hub.ready;
    console.log("done");`,
  "waits until its hub is ready, and closes it": `
    const hub = createNode();
    await hub.ready;
    await hub.close();
    console.log("done");`,
  "drains a hub without clients": `
    const hub = createNode();
    await hub.ready;
    await hub.close({ drainMs: 60_000 });
    console.log("done");`,
  "waits for a hub whose backplane does not come, and is told": `
    const adapter = { name: "silent", open: () => new Promise(() => {}), subscribe: async () => {},
      unsubscribe: async () => {}, publish() {}, close: async () => {}, [Symbol.asyncDispose]: async () => {} };
    const hub = createNode({ adapter, backplaneTimeoutMs: 200, onError() {} });
    await hub.ready.catch((error) => console.log(error.code === "UNAVAILABLE" ? "done" : error));`,
  "waits for an answer of other nodes": `
    const hub = createNode();
    await hub.ready;
    await hub.cluster.count({});
    console.log("done");`,
  "has closed its client": `
    const client = createClient(contract, { url: "ws://127.0.0.1:9", role: "member", onError() {} });
    await client.close();
    console.log("done");`,
  "waits for a client that gives up": `
    const client = createClient(contract, { url: "ws://127.0.0.1:9", role: "member", reconnect: false, onError() {} });
    await client.ready.catch(() => console.log("done"));`,
};

for (const [what, script] of Object.entries(scripts)) {
  test(`life: a script ends by itself that ${what}`, async () => {
    await using folder = await createFolder();
    await folder.write("script.ts", IMPORTS + script);
    await using program = new TerminalProgram(folder.path, ["run"], "script.ts");
    const { code } = await program.ended(20_000);
    assertEquals([program.output.trim(), code], ["done", 0]);
  }, { timeoutMs: 30_000 });
}

test(
  "life: a script with a client that waits for a server goes on, and ends at the first Ctrl+C",
  async () => {
    await using folder = await createFolder();
    const port = await freePort();
    await folder.write(
      "script.ts",
      `${IMPORTS}
    const client = createClient(contract, { url: "ws://127.0.0.1:${port}", role: "member", onError() {} });
    let tries = 0;
    client.onStatus(() => ++tries === 3 && console.log("still trying"));`,
    );
    await using program = new TerminalProgram(folder.path, ["run"], "script.ts");
    await waitFor(() => program.output.includes("still trying"), { timeoutMs: 20_000 });
    program.signal("SIGINT");
    const { ms } = await program.ended(10_000);
    assert(ms < END_MS, `it took ${ms} ms`);
  },
  { timeoutMs: 60_000 },
);

import { assert, assertEquals } from "@std/assert";
import { stat } from "node:fs/promises";
import { runtime, test, waitFor } from "../harness.ts";
import { serve, type ServeOptions } from "../serve.ts";
import { blocksOf, createFolder, listDocuments, readDocument } from "./markdown.ts";
import { freePort } from "../../tools/brokers/ports.ts";
import { startProgram } from "./program.ts";

const readme = await readDocument("README.md");

interface AgentsServer {
  readonly app: Pick<ServeOptions, "fetch">;
  readonly hub: Pick<ServeOptions, "websocket"> & {
    publish(topic: string, payload: unknown): Promise<unknown>;
    room(name: string): {
      members(): Promise<{ readonly connections: readonly unknown[] }>;
      broadcast(event: string, payload: unknown): void;
    };
    close(): Promise<void>;
  };
}

interface Chatter {
  readonly client: {
    readonly status: string;
    signal(name: string, payload: unknown): void;
    close(): Promise<void>;
  };
}

test(
  "the example of the README runs unchanged, and a client gets messages again after a restart of the server",
  async () => {
    await using folder = await createFolder();
    const port = await freePort();
    const blocks = blocksOf(readme);
    assertEquals(blocks.map(({ name }) => name), ["chat.ts", "server.ts", "client.ts"]);
    for (const { name, code } of blocks) await folder.write(name, code.replaceAll("8000", String(port)));
    const command = runtime === "deno" ? ["serve", "--host=127.0.0.1", `--port=${port}`] : [];
    const start = async () => {
      const program = startProgram(folder.path, command, "server.ts", port);
      await waitFor(() => fetch(`http://127.0.0.1:${port}/realtime/health`).then((answer) => answer.text()), {
        timeoutMs: 20_000,
        what: "the server to serve",
      });
      return program;
    };
    const logged: unknown[] = [];
    const { log } = console;
    console.log = (text) => logged.push(text);
    try {
      let server = await start();
      try {
        await folder.write(
          "client.ts",
          `${blocks[2]!.code.replaceAll("8000", String(port))}\nexport { client };\n`,
        );
        const { client } = await folder.run("client.ts") as unknown as Chatter;
        await waitFor(() => logged.length === 1, { what: "the message" });

        await server[Symbol.asyncDispose]();
        await waitFor(() => client.status === "reconnecting", { what: "the loss to be noticed" });
        client.signal("say", { room: "lobby", text: "while it is away" });
        server = await start();
        await waitFor(() => logged.length === 2, { what: "what was said meanwhile", timeoutMs: 20_000 });
        client.signal("say", { room: "lobby", text: "again" });
        await waitFor(() => logged.length === 3, { what: "the next message" });
        await client.close();
      } finally {
        await server[Symbol.asyncDispose]();
      }
    } finally {
      console.log = log;
    }
    assertEquals(logged, ["lobby: hi", "lobby: while it is away", "lobby: again"]);
  },
  { timeoutMs: 90_000 },
);

test(
  "the example for assistants runs: a client joins a room and gets messages from before and after",
  async () => {
    await using folder = await createFolder();
    const port = await freePort();
    const blocks = blocksOf(await readDocument("AGENTS.md"));
    assertEquals(blocks.map(({ name }) => name), ["chat.ts", "server.ts", "client.ts"]);
    for (const { name, code } of blocks) {
      await folder.write(name, code.replaceAll("localhost:8000", `127.0.0.1:${port}`));
    }
    const { hub, app } = await folder.run("server.ts") as unknown as AgentsServer;
    const server = serve({
      fetch: (request, platform) => app.fetch(request, platform),
      websocket: hub.websocket,
      port,
    });
    const logged: unknown[] = [];
    const { log } = console;
    console.log = (text) => logged.push(text);
    try {
      await hub.publish("ticker/ACME", { price: 7 });
      const { client } = await folder.run("client.ts") as unknown as Chatter;
      await waitFor(() => logged.includes(7), { what: "what was published before" });
      await waitFor(async () => (await hub.room("lobby").members()).connections.length === 1, {
        what: "the join",
      });
      hub.room("lobby").broadcast("message", { text: "hi" });
      await waitFor(() => logged.includes("hi"), { what: "the message" });
      await client.close();
    } finally {
      console.log = log;
      await hub.close();
      await server.close();
    }
  },
  { timeoutMs: 90_000 },
);

/** The anchors of a document's headings, as they are made where it is read. */
function anchorsOf(text: string): string[] {
  const prose = text.replaceAll(/^```.*?^```$/gms, "");
  return Array.from(
    prose.matchAll(/^#+ (.*)$/gm),
    ([, heading = ""]) => heading.toLowerCase().replaceAll(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-"),
  );
}

test("every link between the documents leads somewhere", async () => {
  const project = ["README.md", "AGENTS.md", "CONTRIBUTING.md", "SECURITY.md", "CODE_OF_CONDUCT.md"];
  const documents = [...project, "examples/README.md", "bench/README.md", ...await listDocuments("docs")];
  const broken: string[] = [];
  for (const document of documents) {
    const text = await readDocument(document);
    for (const [, target = ""] of text.matchAll(/(?<!!)\[[^\]\n]*\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      const [path = "", anchor] = target.split("#");
      const file = path === "" ? document : new URL(path, `file:///${document}`).pathname.slice(1);
      const found = await stat(new URL(`../../${file}`, import.meta.url)).catch(() => undefined);
      const leads = found && (anchor === undefined || anchorsOf(await readDocument(file)).includes(anchor));
      if (!leads) broken.push(`${document}: ${target}`);
    }
  }
  assert(documents.length > 10, "the documents are there");
  assertEquals(broken, []);
});

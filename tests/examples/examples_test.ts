import { assertEquals, assertMatch } from "@std/assert";
import { runtime, test } from "../harness.ts";
import { Program } from "./program.ts";

const TIMEOUT = { timeoutMs: 60_000 };

/** Starts an example's server, and finds out where it is. */
async function startServer(args: readonly string[]): Promise<{ server: Program; host: string }> {
  const server = new Program(args, { PORT: "0" });
  const [, port] = await server.printed(/http:\/\/[\w.]+:(\d+)/);
  return { server, host: `127.0.0.1:${port}` };
}

/** The output of an example's client until it ends. */
async function runClient(args: readonly string[]): Promise<string> {
  await using client = new Program(args);
  const { code, stdout, output } = await client.ended();
  assertEquals(code, 0, output);
  return stdout;
}

if (runtime === "deno") {
  test("hello-deno: the client gets the answer, and the event that its request causes", async () => {
    const { server, host } = await startServer([
      "run",
      "--allow-net",
      "--allow-env",
      "examples/hello-deno/server.ts",
    ]);
    await using _ = server;
    const client = ["run", "--allow-net", "examples/hello-deno/client.ts", `ws://${host}/realtime`];
    assertEquals(await runClient(client), "Ann has entered\nHello, Ann!\n");
  }, TIMEOUT);
} else {
  test("hello-bun: the client gets the messages that the server publishes", async () => {
    const { server, host } = await startServer(["examples/hello-bun/server.ts"]);
    await using _ = server;
    const printed = await runClient(["examples/hello-bun/client.ts", `ws://${host}/realtime`]);
    assertMatch(printed, /^(It is \d{4}-\d\d-\d\dT[\d:.]+Z\n){3}$/);
  }, TIMEOUT);
}

test(
  "hono: an order over HTTP reaches the kitchen, and the other routes are unchanged",
  async () => {
    const example = "examples/hono/server.ts";
    const { server, host } = await startServer(
      runtime === "deno"
        ? ["serve", "--allow-net", "--host", "127.0.0.1", "--port", "0", example]
        : [example],
    );
    await using _ = server;
    const run = runtime === "deno" ? ["run", "--allow-net"] : [];
    assertEquals(
      await runClient([...run, "examples/hono/client.ts", `http://${host}`]),
      "soup for table 4\n",
    );

    assertEquals(await (await fetch(`http://${host}/`)).text(), "Today: soup");
    const refused = await fetch(`http://${host}/orders`, { method: "POST", body: "{}" });
    assertEquals([refused.status, await refused.json()], [400, { error: "An order has a dish and a table" }]);
  },
  TIMEOUT,
);

import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { listen } from "../../examples/demo/node/listen.ts";
import { serve } from "../serve.ts";
import { runtime, test } from "../harness.ts";
import { Program } from "./program.ts";

const TIMEOUT = { timeoutMs: 60_000 };
const startDemo = (...flags: string[]) =>
  new Program(["run", "--allow-all", "examples/demo/main.ts", ...flags]);

if (runtime === "bun") test.skip("the demo's command line", "the demo runs its nodes with Deno");
else {
  test("--help lists the flags, and an invalid flag is explained", async () => {
    // With packages of its own, which a fresh checkout has to fetch.
    await using help = new Program(["task", "demo", "--help"]);
    const { code, stdout } = await help.ended();
    assertEquals(code, 0);
    assertStringIncludes(stdout, "--adapter NAME");

    for (
      const [flags, complaint] of [
        [["--adapter", "carrier-pigeon"], 'Cannot use adapter "carrier-pigeon": choose one of '],
        [["--nodes", "0"], "Cannot use --nodes 0: give a whole number from 1 to 9"],
        [["--port", "http"], "Cannot use --port http: give a whole number from 0 to 65532"],
        [["--speed", "9"], "Unknown option '--speed'"],
      ] as const
    ) {
      await using demo = startDemo(...flags);
      const { code, stdout, output } = await demo.ended();
      assertEquals([code, stdout], [1, ""]);
      assertStringIncludes(output, complaint);
      assertStringIncludes(output, "Usage: ");
    }
  }, TIMEOUT);

  test("a port that this user may not use is named", async () => {
    const { serve } = Deno;
    const refuse = () => {
      throw new Deno.errors.PermissionDenied("Permission denied (os error 13)");
    };
    Object.assign(Deno, { serve: refuse });
    try {
      const listening = listen(() => new Response(), { port: 80, ifBusy: "any" });
      await assertRejects(
        () => listening,
        Error,
        "Cannot listen on port 80: Permission denied (os error 13)",
      );
    } finally {
      Object.assign(Deno, { serve });
    }
  });

  test("ports that are taken are replaced, and Ctrl+C ends the demo in peace", async () => {
    const taken = serve({ fetch: () => new Response() });
    try {
      await using demo = startDemo("--port", String(taken.port), "--nodes", "2");
      const [, url] = await demo.printed(/Open (\S+) in a browser/);
      assertStringIncludes(demo.output, `Port ${taken.port} is taken: the page uses another one`);
      const page = await fetch(url!);
      assertStringIncludes(await page.text(), "<title>Trunkline demo</title>");
      assertMatch(page.headers.get("content-security-policy")!, /^default-src 'none'/);
      demo.interrupt();
      const { code, output } = await demo.ended();
      assertEquals(code, 0, output);
      assertMatch(output, /Ending\n(Node \d has stopped\n){2}$/);
    } finally {
      await taken.close();
    }
  }, TIMEOUT);

  test(
    "only the page itself may start and stop nodes, and a closed terminal ends the demo in peace",
    async () => {
      await using demo = startDemo("--port", "0", "--nodes", "1");
      const [, url] = await demo.printed(/Open (\S+) in a browser/);
      const post = (path: string, origin: string) =>
        fetch(`${url}${path}`, { method: "POST", headers: { origin } }).then(async (response) => [
          response.status,
          (await response.json()).slots?.[0].state,
        ]);
      assertEquals(await post("/nodes/1/stop", "https://evil.example"), [403, undefined]);
      assertEquals(await post("/nodes/1/explode", url!), [404, undefined]);
      assertEquals(await post("/nodes/7/stop", url!), [409, "running"]);
      assertEquals(await post("/nodes/1/stop", url!), [200, "stopped"]);
      assertEquals(await post("/nodes/1/stop", url!), [200, "stopped"]);
      const { slots } = await (await fetch(`${url}/nodes`)).json();
      assertEquals(slots.map(({ state }: { state: string }) => state), ["stopped"]);
      assertEquals(await post("/nodes/1/start", url!), [200, "running"]);
      demo.interrupt("SIGHUP");
      assertEquals((await demo.ended()).code, 0);
    },
    TIMEOUT,
  );
}

import { assertEquals } from "@std/assert";
import { cp, mkdir, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { env } from "node:process";
import { fileURLToPath } from "node:url";
import { freePort } from "../../tools/brokers/ports.ts";
import { runtime, test } from "../harness.ts";
import { Program } from "./program.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const read = (name: string) => readFile(join(ROOT, "examples/cluster", name), "utf8");
const { REDIS_URL } = env;

/** The content of an image of the Dockerfile, without the libraries, which are those of this repository. */
async function layOut(folder: string): Promise<void> {
  for (const [, line] of (await read("Dockerfile")).matchAll(/^COPY (.+)$/gm)) {
    const sources = line!.split(" ");
    const target = sources.pop()!;
    for (const source of sources) {
      const to = target.endsWith("/") ? join(folder, target, source) : join(folder, target);
      await mkdir(dirname(to), { recursive: true });
      await cp(join(ROOT, source), to, { recursive: true });
    }
  }
  await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
}

test("docker-compose.yml sets all variables of the Caddyfile", async () => {
  const compose = await read("docker-compose.yml");
  const wanted = [...(await read("Caddyfile")).matchAll(/\{\$(\w+)/g)].map(([, name]) => name);
  const proxy = /^ {2}proxy:\n(?: {4}.*\n)+/m.exec(compose)![0];
  const set = [...proxy.matchAll(/^ {6}(\w+): /gm)].map(([, name]) => name);
  assertEquals(set.toSorted(), [...new Set(wanted)].toSorted());
});

const title = "docker-compose.yml runs programs of the image, with the permissions that they need";
if (runtime === "bun") test.skip(title, "the image's runtime is Deno");
else if (!REDIS_URL) test.skip(title, "REDIS_URL names none");
else {
  test(title, async () => {
    const folder = await mkdtemp(join(tmpdir(), "trunkline-image-"));
    try {
      await layOut(folder);
      const commands = [...(await read("docker-compose.yml")).matchAll(/command: deno (.+)$/gm)];
      const [node, client] = commands.map(([, args]) => args!.split(" "));
      const port = String(await freePort());
      const variables = {
        ...{ ADAPTER: "redis", REDIS_URL, PREFIX: crypto.randomUUID(), NODE_NAME: "node 1" },
        ...{ HOST: "127.0.0.1", PORT: port, SAY_EVERY_MS: "100" },
      };
      await using server = new Program(node!, variables, folder);
      const url = client!.pop()!.replace("proxy:8000", `127.0.0.1:${port}`);
      await using ann = new Program([...client!, url], variables, folder);
      await ann.printed(/^is on node 1$[^]*^hears Ann on node 1: no\. \d+$/m, 60_000);
      server.interrupt();
      assertEquals((await server.ended()).code, 0);
      ann.interrupt();
      assertEquals((await ann.ended()).code, 0);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }, { timeoutMs: 120_000 });
}

import { assert, assertEquals } from "@std/assert";
import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ADAPTERS } from "../../examples/cluster/adapters.ts";
import { runtime, test } from "../harness.ts";

const FOLDER = fileURLToPath(new URL("../../examples/cluster", import.meta.url));
const overrides = (await readdir(FOLDER)).filter((name) => /^docker-compose\.[\w-]+\.yml$/.test(name)).sort();
const nameOf = (file: string) => file.split(".")[1]!;

test("cluster: every adapter that reaches other machines has its compose file", async () => {
  // Redis is that of docker-compose.yml; node:cluster ends with its machine.
  const wanted = Object.keys(ADAPTERS).filter((name) => name !== "redis" && name !== "node-cluster");
  assertEquals(overrides.map(nameOf), wanted.toSorted());
  for (const file of overrides) {
    const text = await readFile(join(FOLDER, file), "utf8");
    assertEquals(/ADAPTER: (.+)/.exec(text)?.[1], nameOf(file));
  }
});

/** The services of a configuration as it is written out, and the lines of each. */
function servicesOf(config: string): Map<string, string[]> {
  const services = new Map<string, string[]>();
  const [, text] = /^services:\n((?: .*\n)+)/m.exec(config)!;
  let lines: string[] = [];
  for (const line of text!.split("\n")) {
    const name = /^ {2}([\w-]+):$/.exec(line)?.[1];
    if (name) services.set(name, lines = []);
    else lines.push(line);
  }
  return services;
}

/** The parts that files may add to a node: variables, a permission for native code, and a name that all nodes share. */
const OF_ADAPTERS = new RegExp(
  [
    "^ {6}(ADAPTER|[A-Z_]+_URL|ZEROMQ_[A-Z_]+|LIBP2P_DNS): ",
    "^ {4}command: deno run .*--allow-ffi",
    "^ {6}examples/cluster/node\\.ts$", // the rest of that line
    "^ {4}networks:$|^ {6}default:$|^ {8}aliases:$|^ {8}- nodes$",
  ].join("|"),
);

const title = "cluster: compose files are right, and differ only in how nodes reach each other";
const compose = spawnSync("docker-compose", ["version", "--short"]);
if (runtime === "bun") test.skip(title, "what the files say does not depend on the runtime");
else if (compose.error) test.skip(title, "there is no docker-compose");
else {
  test(title, async () => {
    const folder = await mkdtemp(join(tmpdir(), "trunkline-compose-"));
    try {
      // The first version of docker-compose does not know this line, and Debian has no other.
      const base = join(folder, "docker-compose.yml");
      const source = await readFile(join(FOLDER, "docker-compose.yml"), "utf8");
      await writeFile(base, source.replace(/^name: .*\n/m, ""));
      const read = (files: readonly string[]) => {
        const args = [base, ...files].flatMap((file) => ["--file", file]);
        const { status, stdout, stderr } = spawnSync(
          "docker-compose",
          ["--project-directory", FOLDER, ...args, "config"],
          { encoding: "utf8" },
        );
        assertEquals(status, 0, stderr);
        return servicesOf(stdout);
      };
      const own = read([]);
      const clients = [...own].filter(([, lines]) => lines.some((line) => line.includes("client.ts")));
      assertEquals([clients.length, own.size], [6, 6 + 3 + 2]);
      for (const file of overrides) {
        const services = read([join(FOLDER, file)]);
        assertEquals([...services.keys()], [...own.keys()]);
        for (const [name, lines] of services) {
          const added = lines.filter((line) => !own.get(name)!.includes(line));
          if (name === "broker") assert(added.length > 0);
          else if (!name.startsWith("node")) assertEquals(added, [], name);
          else assert(added.every((line) => OF_ADAPTERS.test(line)), added.join("\n"));
        }
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }, { timeoutMs: 60_000 });
}

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import process from "node:process";
import { freePort } from "../../tools/brokers/ports.ts";
import { redisCommand } from "../../tools/brokers/sockets.ts";
import { BROKERS } from "../../tools/testing/brokers.ts";
import { provide } from "../../tools/testing/provide.ts";
import { test, waitFor } from "../harness.ts";
import { Program } from "../examples/program.ts";

/** How a run is started whose brokers and end are looked at, and not the types of its tests. */
const QUICKLY = ["--no-install", "--no-check"];

/** Runs something while variables have other values, and restores them. */
async function withEnv(env: Record<string, string | undefined>, run: () => Promise<void>): Promise<void> {
  const before = Object.keys(env).map((name) => [name, Deno.env.get(name)] as const);
  const set = (name: string, value?: string) =>
    value === undefined ? Deno.env.delete(name) : Deno.env.set(name, value);
  for (const [name, value] of Object.entries(env)) set(name, value);
  try {
    await run();
  } finally {
    for (const [name, value] of before) set(name, value);
  }
}

/** The process ids of the brokers that keep their files in a folder. */
async function brokersIn(folder: string): Promise<number[]> {
  const pids: number[] = [];
  for await (const { name } of Deno.readDir(folder)) {
    if (!name.startsWith("trunkline-broker-")) continue;
    const pid = Number(await Deno.readTextFile(join(folder, name, "pid")).catch(() => ""));
    if (pid) pids.push(pid);
  }
  return pids;
}

/** Whether a process runs. A killed orphan that no process waits for remains as a zombie, which does not count. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    return !/\) Z /.test(Deno.readTextFileSync(`/proc/${pid}/stat`));
  } catch {
    return Deno.build.os !== "linux";
  }
}

/** The ids of processes that work in a folder, also one that is removed, where the system tells. */
async function processesIn(folder: string): Promise<string[]> {
  if (Deno.build.os !== "linux") return [];
  const pids: string[] = [];
  for await (const { name } of Deno.readDir("/proc")) {
    const at = await Deno.readLink(`/proc/${name}/cwd`).catch(() => "");
    if (at.startsWith(folder)) pids.push(name);
  }
  return pids;
}

test("a broker is started for the tests that need it, and gone afterwards", async () => {
  await withEnv({ REDIS_URL: undefined }, async () => {
    const provided = await provide(["tests/adapters/redis/a_test.ts"], { install: false }, BROKERS);
    const port = Number(new URL(provided.env.REDIS_URL!).port);
    try {
      assertEquals(await redisCommand(port, "PING"), "PONG");
      assertEquals(provided.files.length, 1);
      assertEquals(Object.keys(provided.env).sort(), ["REDIS_SERVER", "REDIS_URL"]);
      assertStringIncludes(provided.origins.join("\n"), `redis: started on redis://127.0.0.1:${port}`);
    } finally {
      await provided.stop();
    }
    await assertRejects(() => redisCommand(port, "PING"));
  });
});

test("a broker that a variable names is passed on and not started, and the report does not contain its password", async () => {
  const url = `redis://:hunter2@127.0.0.1:${await freePort()}`;
  await withEnv({ REDIS_URL: url }, async () => {
    const provided = await provide(["tests/adapters/redis/a_test.ts"], { install: false }, BROKERS);
    await provided.stop();
    assertEquals(provided.env.REDIS_URL, url);
    assert(provided.env.REDIS_SERVER, "the program is there for tests that take a broker away");
    assertEquals(provided.origins.join().includes("hunter2"), false);
  });
});

test("a broker that does not start is missing, with the reason", async () => {
  await withEnv({ REDIS_URL: undefined, REDIS_SERVER: "/bin/false" }, async () => {
    const provided = await provide(["tests/adapters/redis/a_test.ts"], { install: false }, BROKERS);
    await provided.stop();
    assertEquals(provided.files, []);
    assertStringIncludes(
      provided.skipped[0]!.name,
      "needs redis: Cannot start /bin/false: it ended with code 1",
    );
  });
});

test("an interrupted run leaves no broker behind, neither its own nor those of its tests", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const files = ["tests/brokers/redis_cluster", "tests/cluster/nothing_and_null"];
    await using run = new Program(["run", "--allow-all", "tools/test.ts", ...QUICKLY, ...files], {
      TMPDIR: folder,
      REDIS_URL: "",
      REDIS_CLUSTER_URL: "redis://127.0.0.1:1",
      NATS_URL: "",
    });
    const pids = await waitFor(async () => {
      const own = await brokersIn(folder);
      if (own.length < 2) return undefined;
      for await (const { name } of Deno.readDir(folder)) {
        if (!name.startsWith("trunkline-test-")) continue;
        const tests = await brokersIn(join(folder, name));
        if (tests.length > 0) return [...own, ...tests];
      }
      return undefined;
    }, { timeoutMs: 90_000, what: "brokers of the run and of its tests" });
    assert(pids.every(isAlive));
    run.interrupt();
    const { code, output } = await run.ended();
    assertEquals(code, 130, output);
    assertEquals(pids.filter(isAlive), []);
    // Nor what was being launched in that moment; a process that was killed may take another to be gone.
    await waitFor(async () => (await processesIn(folder)).length === 0, { what: "all brokers to be gone" });
    // Empty databases stay for later runs: making one takes seconds.
    const left = Array.from(Deno.readDirSync(folder), ({ name }) => name);
    assertEquals(left.filter((name) => name !== "trunkline-postgres"), []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}, { timeoutMs: 120_000 });

test("a run without failures ends, even if a library keeps something open", async () => {
  const file = "tests/adapters/libp2p/parts_test";
  await using run = new Program(["run", "--allow-all", "tools/test.ts", ...QUICKLY, file], {
    LIBP2P_RELAY: "",
  });
  const { code, output } = await run.ended();
  assertEquals(code, 0, output);
}, { timeoutMs: 60_000 });

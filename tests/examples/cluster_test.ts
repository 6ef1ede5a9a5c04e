import { assertEquals, assertMatch, assertNotEquals, assertStringIncludes } from "@std/assert";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import process, { env } from "node:process";
import { runtime, test, waitFor } from "../harness.ts";
import { Program } from "./program.ts";

const TIMEOUT = { timeoutMs: 120_000 };
const PATIENCE_MS = 60_000;
const END = /Ctrl\+C +end everything/;
const { CADDY, REDIS_SERVER, REDIS_URL } = env;
/** Servers are looked for there too, so what is there cannot be hidden from the cluster. */
const isHideable = (program: string) => !existsSync(`/usr/sbin/${program}`);

/** A cluster in a folder for temporary files of its own. */
class ClusterProgram extends Program {
  readonly #temporary: string;

  constructor(args: readonly string[], variables: Readonly<Record<string, string>>, temporary: string) {
    const command = runtime === "deno" ? ["task", "--quiet", "cluster"] : ["examples/cluster/main.ts"];
    super([...command, "--port", "0", ...args], { SAY_EVERY_MS: "100", TMPDIR: temporary, ...variables });
    this.#temporary = temporary;
  }

  static async start(
    args: readonly string[],
    variables: Record<string, string> = {},
  ): Promise<ClusterProgram> {
    return new ClusterProgram(args, variables, await mkdtemp(join(tmpdir(), "trunkline-cluster-test-")));
  }

  /** Waits until it has printed something after something else. */
  async printedAfter(before: RegExp, pattern: RegExp): Promise<void> {
    await this.printed(new RegExp(`${before.source}[^]*${pattern.source}`), PATIENCE_MS);
  }

  /** Ends it as a person does, and makes sure that nothing of it is left. */
  async endsInPeace(): Promise<void> {
    this.interrupt();
    const { code, output } = await this.ended();
    assertEquals(code, 0, output);
    const pids = [...output.matchAll(/, pid ([\d ]+)/g)].flatMap(([, pids]) => pids!.trim().split(" "));
    assertNotEquals(pids, []);
    assertEquals(pids.map(Number).filter(isAlive), [], output);
    const left = (await readdir(this.#temporary)).filter((name) => name.startsWith("trunkline"));
    assertEquals(left, []);
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    // Gently first: what it has started dies with it only then.
    if (!this.hasEnded) this.interrupt();
    await waitFor(() => this.hasEnded, { timeoutMs: 15_000 }).catch(() => {});
    await super[Symbol.asyncDispose]();
    await rm(this.#temporary, { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** The node that a client says it is on. */
async function nodeOf(cluster: Program, client: string): Promise<string> {
  const [, node] = await cluster.printed(new RegExp(`${client} +\\| is on (node \\d)`), PATIENCE_MS);
  return node!;
}

/** The process of a node. */
function pidOf(cluster: Program, node: string): number {
  return Number(new RegExp(`${node} +\\| serves at [\\d.:]+, pid (\\d+)`).exec(cluster.output)![1]);
}

test(
  "an adapter that cannot connect processes is refused, and a missing program of a broker is named",
  async () => {
    for (
      const [flags, complaint] of [
        [["--adapter", "memory"], "it reaches the hubs of one process, and these nodes are processes"],
        [
          ["--adapter", "broadcast-channel"],
          "it reaches the workers of one process, and these nodes are processes",
        ],
        [["--adapter", "carrier-pigeon"], "choose one of redis, redis-cluster, "],
        [["--nodes", "0"], "Cannot use --nodes 0: give a whole number from 1 to 9"],
        [["--runtime", "abacus"], "Cannot use --runtime abacus: choose deno or bun"],
      ] as const
    ) {
      await using cluster = await ClusterProgram.start(flags);
      const { code, stdout, output } = await cluster.ended();
      assertEquals([code, stdout], [1, ""]);
      assertStringIncludes(output, complaint);
      assertStringIncludes(output, "Usage: ");
    }
    if (!isHideable("redis-server")) return;
    await using cluster = await ClusterProgram.start([], { REDIS_URL: "", PATH: "/nowhere" });
    const { code, output } = await cluster.ended();
    assertEquals(code, 1);
    assertMatch(
      output,
      /redis-server is not on the PATH\. Install it \(.+\), or name one that runs: REDIS_URL=/,
    );
  },
  TIMEOUT,
);

for (const adapter of ["redis", "redis-cluster", "nats", "node-cluster"]) {
  const variable = `${adapter.replace("-", "_").toUpperCase()}_URL`;
  const title =
    `${adapter}: clients connect through the proxy, and a client whose node is killed moves to another one and goes on`;
  if (!CADDY || (adapter !== "node-cluster" && !env[variable])) {
    test.skip(title, `${CADDY ? variable : "CADDY"} names none`);
    continue;
  }
  test(title, async () => {
    const path = `${dirname(CADDY)}${delimiter}${env.PATH}`;
    await using cluster = await ClusterProgram.start(["--adapter", adapter, "--clients", "2"], {
      PATH: path,
    });
    const [first, second] = [await nodeOf(cluster, "Ann"), await nodeOf(cluster, "Bob")];
    assertNotEquals(first, second);
    assertMatch(cluster.output, /proxy +\| serves at ws:/);
    await cluster.printed(new RegExp(`Ann +\\| hears Bob on ${second}: no`), PATIENCE_MS);
    await cluster.printed(new RegExp(`Bob +\\| hears Ann on ${first}: no`), PATIENCE_MS);

    process.kill(pidOf(cluster, first), "SIGKILL");
    await cluster.printed(new RegExp(`${first} +\\| was killed by SIGKILL`), PATIENCE_MS);
    const moved = new RegExp(`Ann +\\| moved from ${first} to (node \\d)`);
    const [, third] = await cluster.printed(moved, PATIENCE_MS);
    await cluster.printedAfter(moved, new RegExp(`Ann +\\| hears Bob on ${second}: no`));
    await cluster.printedAfter(moved, new RegExp(`Bob +\\| hears Ann on ${third}: no`));
    await cluster.endsInPeace();
  }, TIMEOUT);
}

if (REDIS_SERVER) {
  test(
    "a broker is started where none is named, and ends with the rest, also when it is killed before",
    async () => {
      const variables = { REDIS_CLUSTER_URL: "", PATH: `${dirname(REDIS_SERVER)}${delimiter}${env.PATH}` };
      const flags = ["--adapter", "redis-cluster", "--clients", "2"];
      await using cluster = await ClusterProgram.start(flags, variables);
      await cluster.printed(END, PATIENCE_MS);
      await cluster.printed(/Ann +\| hears Bob/, PATIENCE_MS);
      const [, pids] = /^broker +\| redis-cluster at .+, pid ([\d ]+)/m.exec(cluster.output)!;
      for (const pid of pids!.split(" ")) process.kill(Number(pid), "SIGKILL");
      await cluster.printed(/redis-cluster is away: clients of this node reach only each other/, PATIENCE_MS);
      await cluster.endsInPeace();
    },
    TIMEOUT,
  );
} else test.skip("a broker is started where none is named", "REDIS_SERVER names no program");

if (REDIS_URL && isHideable("caddy")) {
  test(
    "without Caddy the clients get the addresses of all nodes, and are sent elsewhere by one that ends",
    async () => {
      await using cluster = await ClusterProgram.start(["--nodes", "2", "--clients", "2"], {
        PATH: "/nowhere",
      });
      await cluster.printed(/proxy +\| caddy is not on the PATH/, PATIENCE_MS);
      assertEquals([await nodeOf(cluster, "Ann"), await nodeOf(cluster, "Bob")], ["node 1", "node 2"]);
      await cluster.printed(/Ann +\| hears Bob on node 2/, PATIENCE_MS);
      process.kill(pidOf(cluster, "node 1"), "SIGTERM");
      await cluster.printed(/Ann +\| is not connected: node 1 asks to move/, PATIENCE_MS);
      await cluster.printed(/Ann +\| moved from node 1 to node 2/, PATIENCE_MS);
      await cluster.printed(/node 1 +\| ended with code 0/, PATIENCE_MS);
      await cluster.endsInPeace();
    },
    TIMEOUT,
  );
} else {test.skip(
    "without Caddy the clients get the addresses of all nodes",
    "REDIS_URL names none, or Caddy cannot be hidden",
  );}

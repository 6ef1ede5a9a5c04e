import { assertEquals, assertMatch } from "@std/assert";
import { findServer } from "../../tools/brokers/program.ts";
import { startRedis } from "../../tools/brokers/redis.ts";
import { runtime, test } from "../harness.ts";
import { Program } from "./program.ts";

const NAME = "history: after a kill of its node a client gets its missed messages from the other one";
const MAIN = "examples/history/main.ts";

if (findServer("redis-server", "REDIS_SERVER")) {
  test(NAME, async () => {
    await using broker = await startRedis();
    const args = runtime === "deno" ? ["run", "--allow-all", MAIN] : [MAIN];
    await using program = new Program(args, { REDIS_URL: broker.url });
    const { code, stdout, output } = await program.ended();
    assertEquals(code, 0, output);
    assertMatch(
      stdout,
      /killed process \d+, which served the client\n[^]*missed, and sent[^]*nothing is missing\n/,
    );
    assertEquals(stdout.trim().split("\n").at(-1), "published 30, heard 30, missing 0, in order");
  }, { timeoutMs: 60_000 });
} else test.skip(NAME, "there is no redis-server");

import { assertEquals, assertGreater, assertLess } from "@std/assert";
import { recoveryCandidates } from "../../bench/recovery/candidates.ts";
import { quickDrops } from "../../bench/recovery/drops.ts";
import { measureDrops } from "../../bench/recovery/measure.ts";
import { findRuntimes } from "../../bench/runtimes.ts";
import { runtime, test } from "../harness.ts";

/** Cuts the links of clients of one node on the runtime that is running, and waits so long for what has not come. */
async function measure(server: string, settleMs: number) {
  const candidate = recoveryCandidates.find((candidate) =>
    candidate.server === server && !candidate.broker && candidate.runtime === runtime
  )!;
  return await measureDrops(candidate, 1, { ...quickDrops, settleMs }, {
    paths: await findRuntimes(),
    url: undefined,
  });
}

test(
  "bench: clients whose links are cut again and again get all messages of a story, once and in order",
  async () => {
    const { delivered, expected, duplicates, disordered, falseClaims, silentlyLost, outages, replay } =
      await measure("trunkline", 40_000);
    assertEquals({ delivered, duplicates, disordered, falseClaims, silentlyLost }, {
      delivered: quickDrops.clients * quickDrops.messages,
      duplicates: 0,
      disordered: 0,
      falseClaims: 0,
      silentlyLost: 0,
    });
    assertEquals(expected, delivered);
    assertGreater(outages, quickDrops.clients, "without these, nothing was cut");
    assertGreater(replay.max, 0);
  },
  { timeoutMs: 90_000 },
);

test(
  "bench: clients without recovery lose the messages of their outages, and the ledger shows it",
  async () => {
    const { delivered, expected, silentlyLost, outages } = await measure("crossws", 2_000);
    assertGreater(outages, quickDrops.clients);
    assertLess(delivered, expected);
    assertEquals(silentlyLost, expected - delivered);
  },
  { timeoutMs: 90_000 },
);

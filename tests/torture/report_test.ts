import { assertEquals } from "@std/assert";
import { test } from "../harness.ts";
import { resultLine } from "./report.ts";

test("torture: the result is one line", () => {
  const extent = { seed: 7, seconds: 60, nodes: 3, clients: 200, topics: 50, subscriptions: 4, rate: 2_000 };
  const line = resultLine("nats", extent, {
    violations: ["one"],
    gaps: {},
    needless: [],
    acknowledged: 99_000,
    refused: 400,
    inSeveralEpochs: 0,
    counts: { published: 100_000, deliveries: 1_600_000, replays: 9_000, claimsFalse: 12 },
    failures: {},
    nodeErrors: {},
    clientErrors: {},
  });
  assertEquals(
    line,
    "RESULT nats --seed 7: 60 s, 3 nodes, 200 clients, 50 topics; 120,000 asked; 100,000 published (1667/s); 99,000 kept; " +
      "400 refused; 1,600,000 deliveries (9,000 replayed); 12 gaps told (0 needless); 1 violations",
  );
});

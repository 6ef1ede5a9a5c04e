import { assert, assertEquals, assertRejects } from "@std/assert";
import { once } from "node:events";
import { connect } from "node:net";
import { nativeCandidates } from "../../bench/candidates.ts";
import { measure } from "../../bench/measure.ts";
import { missingFor, startNative } from "../../bench/native/start.ts";
import { findRuntimes } from "../../bench/runtimes.ts";
import { runtime, test } from "../harness.ts";

for (const candidate of nativeCandidates) {
  const title =
    `bench: ${candidate.server} delivers what the load client says, and its processor time is known`;
  const missing = runtime === "deno" ? missingFor(candidate.program) : "Deno, which runs the benchmarks";
  const ends = `bench: nothing of ${candidate.server} is left when it is stopped`;
  if (missing) { for (const name of [title, ends]) test.skip(name, `needs ${missing}`); }
  else {
    test(ends, async () => {
      const { port, stop } = await startNative(candidate.program);
      await stop();
      const socket = connect(port, "127.0.0.1");
      await assertRejects(() => once(socket, "connect"), Error, "ECONNREFUSED");
    });
    test(title, async () => {
      const order = { shape: "single", clients: 3, messages: 8 } as const;
      const { delivered, expected, ordered, cpuMs, rssAfter } = await measure(
        candidate,
        order,
        await findRuntimes(),
      );
      assertEquals({ delivered, expected, ordered }, { delivered: 24, expected: 24, ordered: true });
      assert(cpuMs > 0 && cpuMs < 10_000, `${cpuMs} ms`);
      assert(rssAfter > 100_000, `${rssAfter} bytes`);
    });
  }
}

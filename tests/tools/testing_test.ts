import { assertEquals } from "@std/assert";
import { readJunit } from "../../tools/testing/junit.ts";
import { provide } from "../../tools/testing/provide.ts";
import type { Requirement } from "../../tools/testing/requirements.ts";
import { selectTests, testsFor } from "../../tools/testing/suites.ts";
import { summarize } from "../../tools/testing/summary.ts";
import { test } from "../harness.ts";

const FILES = [
  "tests/adapters/redis_cluster_test.ts",
  "tests/adapters/redis_test.ts",
  "tests/browser/client_test.ts",
  "tests/harness.ts",
  "tests/hub/memory_soak_test.ts",
  "tests/hub/rooms_test.ts",
  "tests/tools/layers_test.ts",
];

test("every test file is selected when nothing is asked for", () => {
  assertEquals(selectTests(FILES, {}), FILES.filter((file) => file !== "tests/harness.ts"));
});

test("a filter is a part of the path, and several add up", () => {
  assertEquals(selectTests(FILES, { filters: ["hub/rooms", "layers"] }), [
    "tests/hub/rooms_test.ts",
    "tests/tools/layers_test.ts",
  ]);
});

test("a quick run leaves out what needs a browser or a long time", () => {
  const selected = selectTests(FILES, { quick: true });
  assertEquals(selected.includes("tests/browser/client_test.ts"), false);
  assertEquals(selected.includes("tests/hub/memory_soak_test.ts"), false);
  assertEquals(selected.includes("tests/hub/rooms_test.ts"), true);
});

test("an adapter's suite is the file of exactly its name, or its folder", () => {
  assertEquals(selectTests(FILES, { adapter: "redis" }), ["tests/adapters/redis_test.ts"]);
  assertEquals(selectTests(FILES, { adapter: "redis-cluster" }), ["tests/adapters/redis_cluster_test.ts"]);
  assertEquals(selectTests(["tests/adapters/nats/core_test.ts"], { adapter: "nats" }).length, 1);
});

test("browser and tool tests run on Deno alone", () => {
  assertEquals(testsFor(FILES, "deno"), FILES);
  assertEquals(testsFor(["tests/browser/a_test.ts", "tests/tools/a_test.ts", "tests/hub/a_test.ts"], "bun"), [
    "tests/hub/a_test.ts",
  ]);
});

test("tests whose requirement is missing are skipped with the reason, the others run with what was provided", async () => {
  let stopped = 0;
  const requirements: Requirement[] = [
    {
      name: "redis-server",
      neededBy: (file) => file.includes("redis"),
      provide: () => Promise.resolve({ env: { REDIS: "here" }, stop: () => Promise.resolve(void stopped++) }),
    },
    {
      name: "chromium",
      neededBy: (file) => file.includes("browser"),
      provide: ({ install }) => Promise.resolve({ missing: install ? "installing failed" : "not installed" }),
    },
    { name: "nobody's", neededBy: () => false, provide: () => Promise.reject(new Error("Provided in vain")) },
  ];
  const provided = await provide(["redis_test.ts", "browser_test.ts"], { install: false }, requirements);
  assertEquals(provided.files, ["redis_test.ts"]);
  assertEquals(provided.env, { REDIS: "here" });
  assertEquals(provided.skipped, [
    { name: "browser_test.ts [skipped: needs chromium: not installed]", result: "skipped" },
  ]);
  await provided.stop();
  assertEquals(stopped, 1);
});

test("both runtimes' reports are read", () => {
  const cases = readJunit(`<testsuites><testsuite name="x" tests="4">
    <testcase name="a &lt;b&gt; &quot;c&quot; &amp;lt; &#10004;" classname="" />
    <testcase name="fails > loudly" time="1">
      <failure message="1 > 2">1 &gt; 2</failure>
    </testcase>
    <testcase name="later [skipped: why]"><skipped/></testcase>
    <testcase name="passes">
    </testcase>
  </testsuite></testsuites>`);
  assertEquals(cases, [
    { name: 'a <b> "c" &lt; ✔', result: "passed" },
    { name: "fails > loudly", result: "failed" },
    { name: "later [skipped: why]", result: "skipped" },
    { name: "passes", result: "passed" },
  ]);
});

test("the summary names what failed and was skipped, and ends with the sum", () => {
  const text = summarize([
    { runtime: "deno", cases: [{ name: "a", result: "passed" }, { name: "b", result: "failed" }] },
    {
      runtime: "bun",
      cases: [{ name: "c [skipped: why]", result: "skipped" }, { name: "a", result: "passed" }],
    },
  ]);
  assertEquals(text.split("\n"), [
    "failed  deno: b",
    "skipped  bun: c [skipped: why]",
    "deno: 1 passed, 1 failed, 0 skipped",
    "bun: 1 passed, 0 failed, 1 skipped",
    "2 passed, 1 failed, 1 skipped",
  ]);
});

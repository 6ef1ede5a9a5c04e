import { assertEquals, assertRejects } from "@std/assert";
import { readJunit } from "../../tools/testing/junit.ts";
import { provide } from "../../tools/testing/provide.ts";
import type { Requirement } from "../../tools/testing/requirement.ts";
import { groupsOf, needsMachine, selectTests, testsFor } from "../../tools/testing/suites.ts";
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

test("tests that fetch much run only when they are named", () => {
  const files = ["tests/installs/installs_soak_test.ts", "tests/hub/rooms_test.ts"];
  assertEquals(selectTests(files, {}), ["tests/hub/rooms_test.ts"]);
  assertEquals(selectTests(files, { filters: ["tests/installs"] }), ["tests/installs/installs_soak_test.ts"]);
  assertEquals(testsFor(files, "bun"), ["tests/hub/rooms_test.ts"]);
});

test("every test file is selected when nothing is asked for", () => {
  assertEquals(selectTests(FILES, {}), FILES.filter((file) => file !== "tests/harness.ts"));
});

test("a filter is a part of the path, and several add up", () => {
  assertEquals(selectTests(FILES, { filters: ["hub/rooms", "layers"] }), [
    "tests/hub/rooms_test.ts",
    "tests/tools/layers_test.ts",
  ]);
});

test("a quick run leaves out tests that need a browser, a broker or a long time, but not those that can run without", () => {
  const broker = ["redis", "redis_cluster", "nats", "rabbitmq"].map((name) =>
    `tests/adapters/${name}/conformance_test.ts`
  );
  const kept = ["tests/adapters/redis_test.ts", "tests/brokers/proxy_test.ts", "tests/cluster/a_test.ts"];
  assertEquals(
    selectTests([...broker, "tests/brokers/nats_test.ts", ...kept], { quick: true }),
    kept,
  );
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

test("folders that take long, or whose library could end its process, run in a process of their own, in the order in which they start, after the rest", () => {
  const native = ["tests/adapters/zeromq/a_test.ts", "tests/adapters/zeromq/b_test.ts"];
  const long = ["tests/cluster/a_test.ts", "tests/load/a_test.ts"];
  const others = ["tests/hub/rooms_test.ts", "tests/unit/a_test.ts"];
  assertEquals(groupsOf([...others, ...long, ...native]), [others, [long[0]!], [long[1]!], native]);
  assertEquals([groupsOf(others), groupsOf([])], [[others], []]);
});

test("tests that measure times under load need the machine for themselves", () => {
  const files = ["tests/load/restarts_soak_test.ts", "tests/load/order_test.ts", ...FILES];
  assertEquals(files.filter(needsMachine), ["tests/load/restarts_soak_test.ts"]);
});

test("tests whose requirement is missing are skipped with the reason, and the others run", async () => {
  let stopped = 0;
  const requirements: Requirement[] = [
    {
      name: "redis-server",
      variable: "IT",
      neededBy: (file) => file.includes("redis"),
      provide: () =>
        Promise.resolve({
          env: { REDIS: "here" },
          origin: "started",
          stop: () => Promise.resolve(void stopped++),
        }),
    },
    {
      name: "chromium",
      variable: "IT",
      neededBy: (file) => file.includes("browser"),
      provide: ({ install }) => Promise.resolve({ missing: install ? "installing failed" : "not installed" }),
    },
    {
      name: "nobody's",
      variable: "IT",
      neededBy: () => false,
      provide: () => Promise.reject(new Error("Provided in vain")),
    },
  ];
  const provided = await provide(["redis_test.ts", "browser_test.ts"], { install: false }, requirements);
  assertEquals(provided.files, ["redis_test.ts"]);
  assertEquals(provided.env, { REDIS: "here" });
  assertEquals(provided.origins, ["redis-server: started"]);
  assertEquals(provided.skipped, [
    { name: "browser_test.ts [skipped: needs chromium: not installed]", result: "skipped" },
  ]);
  await provided.stop();
  assertEquals(stopped, 1);
});

test("tests that use a missing requirement run without it, which is reported once with the reason", async () => {
  const requirements: Requirement[] = [
    {
      name: "program",
      variable: "IT",
      neededBy: (file) => file.startsWith("needs"),
      usedBy: () => true,
      provide: () => Promise.resolve({ missing: "not installed" }),
    },
    {
      name: "broker",
      variable: "IT",
      neededBy: () => true,
      provide: ({ earlier }) =>
        Promise.resolve({ env: { EARLIER: JSON.stringify([...earlier]) }, origin: "here" }),
    },
  ];
  const provided = await provide(
    ["a_test.ts", "b_test.ts", "needs_test.ts"],
    { install: false },
    requirements,
  );
  assertEquals(provided.files, ["a_test.ts", "b_test.ts"]);
  assertEquals(provided.skipped.map(({ name }) => name), [
    "needs_test.ts [skipped: needs program: not installed]",
    "the tests of 2 files that use program [skipped: not installed]",
  ]);
  assertEquals(provided.env.EARLIER, '[["program",{"missing":"not installed"}]]');
});

test("started requirements are stopped if a later one fails", async () => {
  let stopped = 0;
  const requirements: Requirement[] = [
    {
      name: "first",
      variable: "IT",
      neededBy: () => true,
      provide: () => Promise.resolve({ env: {}, origin: "", stop: () => Promise.resolve(void stopped++) }),
    },
    {
      name: "second",
      variable: "IT",
      neededBy: () => true,
      provide: () => Promise.reject(new Error("out of order")),
    },
  ];
  await assertRejects(() => provide(["a_test.ts"], { install: false }, requirements), Error, "out of order");
  assertEquals(stopped, 1);
});

test("both runtimes' reports are read", () => {
  const cases = readJunit(`<testsuites><testsuite name="x" tests="4">
    <testcase name="a &lt;b&gt; &quot;c&quot; &amp;lt; &#10004;" classname="" />
    <testcase name="fails > loudly" time="1">
      <failure message="1 > 2">1 &gt; 2</failure>
    </testcase>
    <testcase name="fails in an attribute"><failure type="AssertionError" message="3 &gt; 4" /></testcase>
    <testcase name="later [skipped: why]"><skipped/></testcase>
    <testcase name="passes">
    </testcase>
  </testsuite></testsuites>`);
  assertEquals(cases, [
    { name: 'a <b> "c" &lt; ✔', result: "passed" },
    { name: "fails > loudly", result: "failed", said: "1 > 2" },
    { name: "fails in an attribute", result: "failed", said: "3 > 4" },
    { name: "later [skipped: why]", result: "skipped" },
    { name: "passes", result: "passed" },
  ]);
});

test("the summary lists requirements and skipped tests, then failed ones with their texts, and ends with the sum", () => {
  const text = summarize([
    {
      runtime: "deno",
      cases: [{ name: "a", result: "passed" }, { name: "b", result: "failed", said: "1 > 2\n  at b" }],
    },
    {
      runtime: "bun",
      cases: [{ name: "c [skipped: why]", result: "skipped" }, { name: "a", result: "passed" }],
    },
  ], ["redis: started"]);
  assertEquals(text.split("\n"), [
    "with     redis: started",
    "skipped  bun: c [skipped: why]",
    "failed  deno: b",
    "         1 > 2",
    "           at b",
    "deno: 1 passed, 1 failed, 0 skipped",
    "bun: 1 passed, 0 failed, 1 skipped",
    "2 passed, 1 failed, 1 skipped",
  ]);
});

import { assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { test, waitFor } from "./harness.ts";

test("waitFor returns the condition's first truthy value", async () => {
  let calls = 0;
  assertEquals(await waitFor(() => ++calls === 3 && "third"), "third");
  assertEquals(await waitFor(() => Promise.resolve(calls)), 3);
});

test("waitFor names its condition, and keeps the condition's error", async () => {
  const timeoutMs = 20;
  await assertRejects(
    () => waitFor(() => false, { timeoutMs, what: "a hub" }),
    Error,
    "Waited 20 ms for a hub",
  );
  const failing = () => {
    throw new RangeError("Not yet");
  };
  const error = await assertRejects(() => waitFor(failing, { timeoutMs }), Error, "Waited 20 ms");
  assertInstanceOf(error.cause, RangeError);
});

test("waitFor gives up on a condition that never answers", async () => {
  await assertRejects(() => waitFor(() => new Promise(() => {}), { timeoutMs: 20 }), Error, "Waited 20 ms");
});

test("waitFor does not count the time in which the process was too busy to look", async () => {
  let looks = 0;
  const beBusy = () => {
    const end = performance.now() + 40;
    while (performance.now() < end);
  };
  await waitFor(() => ++looks === 3 || void setTimeout(beBusy, 0), { timeoutMs: 20, intervalMs: 5 });
});

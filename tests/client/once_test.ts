import { assertEquals } from "@std/assert";
import type { HubError } from "../../client/mod.ts";
import { test } from "../harness.ts";
import { opened, rejection, reopened } from "./setup.ts";

const say = (text: string): ["ev", string, unknown] => ["ev", "message", { text }];

test("once: gives the next parsed event to each waiting caller, and then stops listening", async () => {
  const { client, server, clock, errors } = await opened();
  const timers = clock.pending;
  const waits = [client.once("message"), client.once("message", { timeoutMs: 50 })];
  server.link.say(say("a"), say("b"));
  assertEquals(await Promise.all(waits), [{ text: "A" }, { text: "A" }]);
  assertEquals(clock.pending, timers);
  const later = client.once("message");
  server.link.say(say("c"));
  assertEquals(await later, { text: "C" });
  assertEquals(errors, []);
  await client.close();
});

test("once: a payload that breaks the contract is not the event that is waited for", async () => {
  const { client, server, errors } = await opened();
  const wait = client.once("message");
  server.link.say(["ev", "message", { text: 5 }], say("fine"));
  assertEquals(await wait, { text: "FINE" });
  assertEquals(errors.map(({ error }) => (error as HubError).code), ["VALIDATION"]);
  await client.close();
});

test("once: survives a reconnect", async () => {
  const rig = await opened();
  const { client, server } = rig;
  const wait = client.once("message");
  await reopened(rig);
  server.link.say(say("again"));
  assertEquals(await wait, { text: "AGAIN" });
  await client.close();
});

test("once: gives up by timeout and by signal, also one that was aborted before, and leaves nothing", async () => {
  const { client, clock } = await opened();
  const timers = clock.pending;
  const late = rejection(client.once("message", { timeoutMs: 100 }));
  clock.advance(100);
  assertEquals((await late).code, "TIMEOUT");
  const controller = new AbortController();
  const aborted = client.once("message", { signal: controller.signal }).catch((error) => error);
  const reason = new Error("Enough");
  controller.abort(reason);
  assertEquals(await aborted, reason);
  assertEquals(await client.once("message", { signal: controller.signal }).catch((error) => error), reason);
  assertEquals(clock.pending, timers);
  await client.close();
});

test("once: events that the role does not have, and wrong options, are refused", async () => {
  const { client } = await opened();
  // deno-lint-ignore no-explicit-any
  const untyped = client as any;
  assertEquals((await rejection(untyped.once("nothing"))).code, "NOT_FOUND");
  for (const options of [{ timeoutMs: "soon" }, { timeout: 5 }, { signal: {} }, 5]) {
    assertEquals(await untyped.once("message", options).catch((error: Error) => error.name), "TypeError");
  }
  await client.close();
});

test("once: a client that closes ends the waits, and later ones at once; callers need not catch this", async () => {
  const { client } = await opened();
  const wait = rejection(client.once("message"));
  void client.once("message");
  await client.close();
  assertEquals((await wait).code, "DISCONNECTED");
  assertEquals((await rejection(client.once("message"))).code, "DISCONNECTED");
});

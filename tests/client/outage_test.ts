import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { HubError } from "../../client/mod.ts";
import { showAddress } from "../../client/addresses.ts";
import { test } from "../harness.ts";
import { connecting, opened, rejection, retried, type Rig } from "./setup.ts";

/** Fails attempts until so much time has passed. */
async function fail(rig: Rig, ms: number): Promise<void> {
  const end = rig.clock.now() + ms;
  while (rig.clock.now() < end) {
    rig.server.link.close(1006, "Refused");
    await retried(rig);
  }
}

test("a client that cannot connect for a while says so once, with the address and the possible cause", async () => {
  const rig = await connecting({ url: "wss://ann:secret@hub.test/realtime?key=secret" });
  await fail(rig, 4_000);
  assertEquals(rig.errors, []);
  await fail(rig, 60_000);
  assertEquals(rig.errors.map(({ info }) => info), [{ stage: "connect" }]);
  const error = rig.errors[0]!.error as HubError;
  assertEquals(error.code, "UNAVAILABLE");
  assertMatch(
    error.message,
    /^No connection for \d+ s\. Cannot connect to the hub at wss:\/\/hub.test\/realtime: Refused/,
  );
  for (const reason of ["403", "429", "503", "url"]) assertStringIncludes(error.message, reason);
  assertEquals(error.message.includes("secret"), false);
  await rig.client.close();
});

test("each outage is reported once", async () => {
  const rig = await opened();
  await fail(rig, 20_000);
  rig.server.link.welcome();
  await fail(rig, 3_000);
  rig.server.link.welcome();
  assertEquals(rig.errors.length, 1);
  await fail(rig, 20_000);
  assertEquals(rig.errors.length, 2);
  await rig.client.close();
});

test("a token that cannot be fetched is reported as such, and not as a missing server", async () => {
  const rig = await connecting({ token: () => Promise.reject(new Error("No network")) });
  for (let i = 0; i < 6; i++) await retried(rig);
  assertEquals([...new Set(rig.errors.map(({ error }) => (error as Error).message))], ["No network"]);
  await rig.client.close();
});

test("a client that gives up reports this to onError, even without a waiting caller", async () => {
  const rig = await connecting({ reconnect: false });
  rig.server.link.close(1006, "Refused");
  const cause = await rig.client.closed;
  assertEquals(rig.errors, [{ error: cause, info: { stage: "connection" } }]);
});

test("all waiting callers get the error code that ended the client", async () => {
  const codes = { 4501: "UNAUTHENTICATED", 4502: "FORBIDDEN", 4504: "TOO_LARGE", 4505: "DISCONNECTED" };
  for (const [close, code] of Object.entries(codes)) {
    const { client, server } = await opened();
    const waiting = [
      client.request("say", { text: "asked" }),
      client.subscribe("stats", () => {}).ready,
    ].map(rejection);
    server.link.close(Number(close), "For this reason");
    const late = [
      client.request("say", { text: "late" }),
      client.subscribe("stats", () => {}).ready,
      Promise.resolve().then(() => client.signal("typing", { room: "a" })),
    ].map(rejection);
    for (const error of await Promise.all([...waiting, ...late])) {
      assertEquals(error.code, code);
      assertStringIncludes(error.message, "For this reason");
    }
    assertEquals((await client.closed)?.code, code);
  }
});

test("before it was ever open, too, and with the data of the refusal", async () => {
  const { client, server } = await connecting();
  const waiting = [
    client.ready,
    client.request("say", { text: "asked" }),
    client.subscribe("stats", () => {}).ready,
  ].map(rejection);
  server.link.open();
  server.link.say(["fault", { code: "BANNED", message: "Until Monday", data: { until: 1 } }]);
  server.link.close(4501, "Until Monday");
  for (const error of await Promise.all(waiting)) {
    assertEquals([error.code, error.data], ["BANNED", { until: 1 }]);
  }
});

test("a server that refuses every attempt for now is reported once, with its reason", async () => {
  const rig = await connecting();
  for (let i = 0; i < 8; i++) {
    rig.server.link.open();
    rig.server.link.say(["fault", { code: "UNAVAILABLE", message: "The hub is full" }]);
    rig.server.link.close(4004, "The hub is full");
    await retried(rig);
  }
  assertEquals(rig.errors.map(({ error, info }) => [(error as HubError).code, info.stage]), [[
    "UNAVAILABLE",
    "connect",
  ]]);
  assertStringIncludes((rig.errors[0]!.error as HubError).message, "The hub is full");
  await rig.client.close();
});

test("no error message contains the secret parts of an address", () => {
  const shown = [
    ["ws://h/a?key=secret#x", "ws://h/a"],
    ["wss://ann:secret@h:1/a", "wss://h:1/a"],
    ["ws:ann:secret@h/a", "ws:h/a"],
    ["ws:\\\\ann:secret@h\\a", "ws:\\\\h\\a"],
    ["ws://h/@a?\n@secret", "ws://h/@a"],
  ] as const;
  for (const [address, text] of shown) assertEquals(showAddress(address), text);
});

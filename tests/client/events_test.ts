import { assertEquals } from "@std/assert";
import type { HubError } from "../../client/mod.ts";
import { test } from "../harness.ts";
import { opened, rejection, turn } from "./setup.ts";

test("listeners get the parsed payload, each of them, until they leave", async () => {
  const { client, server } = await opened();
  const heard: string[] = [];
  const listener = ({ text }: { text: string }) => void heard.push(text);
  const off = client.on("message", listener);
  client.on("message", listener);
  client.on("dm", ({ text }) => void heard.push(`dm ${text}`));
  server.link.say(["ev", "message", { text: "a" }], ["ev", "dm", { text: "b" }]);
  assertEquals(heard, ["A", "A", "dm b"]);
  off();
  off();
  server.link.say(["ev", "message", { text: "c" }]);
  assertEquals(heard.slice(3), ["C"]);
  await client.close();
  server.link.say(["ev", "message", { text: "d" }]);
  assertEquals(heard.length, 4);
});

test("a throwing listener hurts no other, and is reported", async () => {
  const { client, server, errors } = await opened();
  const heard: string[] = [];
  const failure = new Error("Listener");
  client.on("message", () => {
    throw failure;
  });
  client.on("message", () => Promise.reject(failure) as unknown as void);
  client.on("message", ({ text }) => void heard.push(text));
  server.link.say(["ev", "message", { text: "a" }], ["ev", "message", { text: "b" }]);
  await turn();
  assertEquals(heard, ["A", "B"]);
  assertEquals(errors, Array(4).fill({ error: failure, info: { stage: "event", name: "message" } }));
  await client.close();
});

test("payloads that break the contract are dropped and reported; unknown events are ignored", async () => {
  const { client, server, errors } = await opened();
  const heard: unknown[] = [];
  client.on("message", (m) => void heard.push(m));
  server.link.say(
    ["ev", "message", { text: 5 }],
    ["ev", "message"],
    ["ev", "nothing", {}],
    ["ev", "confirm", {}],
    ["ev", "__proto__", {}],
    ["ev", "message", { text: "fine" }],
  );
  assertEquals(heard, [{ text: "FINE" }]);
  assertEquals(errors.map(({ error, info }) => [(error as HubError).code, info.stage, info.name]), [
    ["VALIDATION", "event", "message"], // the second is one of its kind, and left out for now
  ]);
  const untyped = client as unknown as { on(name: string, listener: () => void): void };
  for (const name of ["nothing", "confirm", "toString"]) {
    assertEquals((await rejection((async () => await untyped.on(name, () => {}))())).code, "NOT_FOUND");
  }
  await client.close();
});

test("listeners may come and go while an event is handed out", async () => {
  const { client, server } = await opened();
  const heard: string[] = [];
  client.on("dm", ({ text }) => {
    heard.push(`first ${text}`);
    offSecond();
    if (text === "a") client.on("dm", ({ text }) => void heard.push(`late ${text}`));
  });
  const offSecond = client.on("dm", () => void heard.push("second"));
  client.on("dm", ({ text }) => void heard.push(`third ${text}`));
  server.link.say(["ev", "dm", { text: "a" }]);
  assertEquals(heard, ["first a", "third a"]);
  server.link.say(["ev", "dm", { text: "b" }]);
  assertEquals(heard.slice(2), ["first b", "third b", "late b"]);
  await client.close();
});

test("a listener that closes the client is the last one called", async () => {
  const { client, server, errors } = await opened();
  const heard: string[] = [];
  client.on("dm", ({ text }) => {
    heard.push(text);
    void client.close();
  });
  client.on("dm", () => void heard.push("sibling"));
  server.link.say(["ev", "dm", { text: "a" }], ["req", 1, "confirm", { text: "x" }], ["ev", "dm", {
    text: "b",
  }]);
  await turn();
  assertEquals([heard, errors, client.status], [["a"], [], "closed"]);
});

import { assertEquals, assertThrows } from "@std/assert";
import { createClient } from "../../client/mod.ts";
import { test } from "../harness.ts";
import { connecting, contract, opened, rejection, turn } from "./setup.ts";

test("a name or a kind that does not exist is refused, and the error says what there is", async () => {
  const { client } = await opened();
  const untyped = client as unknown as Record<
    "request" | "signal" | "on",
    (name: string, given: unknown) => Promise<unknown>
  >;
  const textOf = async (run: () => unknown) => (await rejection((async () => await run())())).message;
  const expected: [() => unknown, string][] = [
    [() => untyped.request("typing", {}), 'Cannot send the request "typing": it is a signal'],
    [() => untyped.signal("say", {}), 'Cannot send the signal "say": it is a request'],
    [() => untyped.request("sya", {}), 'Cannot send the request "sya": no such request, did you mean "say"?'],
    [
      () => untyped.signal("nothing", {}),
      'Cannot send the signal "nothing": no such signal, there are "say", "slow", "typing"',
    ],
    [
      () => untyped.on("mesage", () => {}),
      'Cannot listen to the event "mesage": no such event, did you mean "message"?',
    ],
  ];
  for (const [run, text] of expected) assertEquals(await textOf(run), text);
  await client.close();
});

test("a request that could not be sent in time says so if there is no connection", async () => {
  const { client, clock } = await connecting({ connectTimeoutMs: 60_000 });
  const late = rejection(client.request("say", { text: "hi" }, { timeoutMs: 7_000 }));
  await turn();
  clock.advance(7_000);
  const { code, message } = await late;
  assertEquals([code, message], ["TIMEOUT", 'Cannot send "say" within 7000 ms: not connected']);
  await client.close();
});

test("a request that waits for its schema does not say that there is no connection", async () => {
  const { client, clock } = await opened();
  const late = rejection(client.request("slow", { n: 1 }, { timeoutMs: 5 }));
  clock.advance(5);
  assertEquals((await late).message, 'Cannot send "slow" within 5 ms');
  await client.close();
});

test("a token that is no text is refused by its kind, and never shown", () => {
  for (const [token, kind] of [[735, "number"], [true, "boolean"], [[], "list"], [{}, "object"]] as const) {
    assertThrows(
      () => createClient(contract, { url: "ws://h", role: "member", token: token as never }),
      TypeError,
      `Cannot use this ${kind} as token of createClient: give a text or a function`,
    );
  }
});

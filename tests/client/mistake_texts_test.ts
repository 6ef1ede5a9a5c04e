import { assertEquals, assertThrows } from "@std/assert";
import { z } from "zod";
import { createClient } from "../../client/mod.ts";
import { defineContract } from "../../contract/mod.ts";
import { test } from "../harness.ts";
import { FakeServer } from "./fake_server.ts";
import { connecting, contract, opened, rejection, retried, turn } from "./setup.ts";

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
      'Cannot send the signal "nothing": no such signal, there are "typing"',
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
  assertEquals([code, message], [
    "TIMEOUT",
    'Cannot send "say" within 7000 ms: not connected: no answer yet from the hub at ws://hub.test/realtime',
  ]);
  await client.close();
});

test("a request that could not be sent in time says where the client tried to connect, and why that failed", async () => {
  const rig = await connecting();
  const { client, server, clock } = rig;
  const late = () => rejection(client.request("say", { text: "hi" }, { timeoutMs: 1 }));
  server.link.close(1006, "status code 404");
  const never = late();
  clock.advance(1);
  assertEquals(
    (await never).message,
    'Cannot send "say" within 1 ms: not connected: ' +
      "Cannot connect to the hub at ws://hub.test/realtime: status code 404 (1006)",
  );
  await retried(rig);
  server.link.welcome();
  await client.ready;
  server.link.close(1001, "the network is down");
  const lost = late();
  clock.advance(1);
  assertEquals(
    (await lost).message,
    'Cannot send "say" within 1 ms: not connected: Connection lost: the network is down (1001)',
  );
  await client.close();
});

test("a name of another kind is refused, and the error says what it is", async () => {
  const payload = z.object({});
  const chat = defineContract({
    shared: { topics: { news: { payload } } },
    roles: {
      member: {
        clientToServer: { say: { payload } },
        serverToClient: { message: { payload }, confirm: { input: payload, output: payload } },
      },
    },
    rooms: { "kept/:id": { history: { size: 1 } } },
    presence: { "room/:id": payload },
  });
  const url = "ws://hub.test/realtime";
  const client = createClient(chat, { url, role: "member", transport: new FakeServer() });
  type Untyped = Record<"subscribe" | "on", (name: string, listener: () => void) => unknown>;
  const { subscribe, on } = {
    subscribe: (name: string) => (client as unknown as Untyped).subscribe(name, () => {}),
    on: (name: string) => (client as unknown as Untyped).on(name, () => {}),
  };
  const ask = (name: string) =>
    (client as { request(name: string, input: object): Promise<unknown> }).request(name, {});
  const expected: [(name: string) => unknown, string, string][] = [
    [subscribe, "room/1", 'Cannot subscribe to "room/1": it is a room (the server puts clients into it)'],
    [subscribe, "kept/1", 'Cannot subscribe to "kept/1": it is a room (the server puts clients into it)'],
    [subscribe, "message", 'Cannot subscribe to "message": it is an event'],
    [subscribe, "say", 'Cannot subscribe to "say": it is a signal'],
    [subscribe, "newz", 'Cannot subscribe to "newz": no such topic, did you mean "news"?'],
    [on, "news", 'Cannot listen to the event "news": it is a topic'],
    [on, "room/1", 'Cannot listen to the event "room/1": it is a room (the server puts clients into it)'],
    [on, "confirm", 'Cannot listen to the event "confirm": it is a request to clients'],
    [ask, "message", 'Cannot send the request "message": it is an event'],
    [ask, "news", 'Cannot send the request "news": it is a topic'],
  ];
  for (const [run, name, text] of expected) {
    assertEquals((await rejection((async () => await run(name))())).message, text);
  }
  await client.close();
});

test("a name that is no text is refused by its kind", async () => {
  const { client } = await opened();
  const untyped = client as unknown as Record<
    "request" | "signal" | "on",
    (name: unknown, given: unknown) => unknown
  >;
  const expected: [() => unknown, string][] = [
    [
      () => untyped.on(undefined, () => {}),
      'Cannot listen to the event "undefined": it is of type undefined, and not a text',
    ],
    [() => untyped.signal(5, {}), 'Cannot send the signal "5": it is of type number, and not a text'],
    [
      () => untyped.request({}, {}),
      'Cannot send the request "[object Object]": it is of type object, and not a text',
    ],
  ];
  for (const [run, text] of expected) {
    assertEquals((await rejection((async () => await run())())).message, text);
  }
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

import { assert, assertEquals } from "@std/assert";
import { HubError, type TopicMark } from "../../contract/mod.ts";
import { fold, readHello, topicsOf } from "../../hub/session/admission/hello.ts";
import { test, waitFor } from "../harness.ts";
import { createNode } from "../hub/chat.ts";
import { rawClient } from "../hub/wires.ts";
import { settledHeapBytes } from "../soak/heap.ts";

test("hello: while authenticate runs, its topics need little more memory than they had on the wire (promise 8)", async () => {
  // As short as topics get, so as many as a hello can name.
  const frame = JSON.stringify(Array.from({ length: 1_020 }, (_, i) => [i + 1, "a", {}]));
  const kept: unknown[] = [];
  const before = await settledHeapBytes(1);
  for (let i = 0; i < 100; i++) {
    const hello = readHello({ role: "member", topics: JSON.parse(frame) });
    fold(hello);
    kept.push(hello);
  }
  const each = (await settledHeapBytes(1) - before) / kept.length;
  assert(each < 2 * frame.length, `${each} bytes for a frame of ${frame.length}`);
});

test("hello: a hub keeps few bytes of clients that ask for many topics and wait (promise 8)", async () => {
  const topics = Array.from({ length: 1_020 }, (_, i) => [i + 1, "a", {}]);
  let asked = 0;
  const { promise: answer, reject: refuse } = Promise.withResolvers<never>();
  await using node = await createNode(undefined, { authenticate: () => (asked++, answer) });
  const come = async (count: number) => {
    const all = asked + count;
    for (let i = 0; i < count; i++) {
      void rawClient(node.loopback.client(), { role: "member", token: "ann", topics });
    }
    await waitFor(() => asked === all, { what: "the question who each client is" });
  };
  await come(10);
  const before = await settledHeapBytes(1);
  await come(60);
  const each = (await settledHeapBytes(1) - before) / 60;
  const { length } = JSON.stringify(topics);
  assert(each < 4 * length, `${each} bytes for topics of ${length}`);
  refuse(new HubError("UNAVAILABLE", "Try again later"));
  await waitFor(() => node.hub.stats().handshakes === 0, { what: "the end of all links" });
});

test("hello: its topics are after the welcome what the client asked for", () => {
  const topics: TopicMark[] = [
    [1, "a"],
    [2, "\u{d800}b", {}],
    [3, "c", { since: ["epoch", 7], again: true }],
    [4, "d", { last: 3 }],
    [5, "e", { withinMs: 9 }],
  ];
  const hello = readHello({ role: "member", topics });
  assertEquals(topicsOf(hello), topics);
  for (let i = 0; i < 2; i++) { // the hub may wait more than once
    fold(hello);
    assertEquals(topicsOf(hello), topics);
  }
  assertEquals(topicsOf(readHello({ role: "member", topics: [] })), []);
  assertEquals(topicsOf(readHello({ role: "member" })), undefined);
});

import { assertEquals } from "@std/assert";
import { Greeting } from "../../hub/nodes/join_barrier.ts";
import { test } from "../harness.ts";
import { settled, watch } from "./scripted_adapter.ts";

function scene() {
  const greeting = new Greeting();
  const done = watch(greeting.done);
  const state = async () => {
    await settled();
    return done.state;
  };
  return { greeting, state };
}

test("greeting: one node that knows all others is enough to know for which nodes to wait", async () => {
  const { greeting, state } = scene();
  greeting.answered("b", ["c", "d"]);
  assertEquals(await state(), "pending");
  greeting.answered("c", ["b"]);
  greeting.left("d"); // which answers no more
  assertEquals(await state(), "resolved");
});

test("greeting: nodes that are starting cannot say that there is no other node", async () => {
  const { greeting, state } = scene();
  assertEquals(greeting.await("b"), true);
  greeting.answered("b", null);
  assertEquals([greeting.await("b"), await state()], [false, "pending"]);
  greeting.answered("c", ["b"]);
  assertEquals(await state(), "resolved");
});

test("greeting: a count tells whether a node is alone, and how many answers will come", async () => {
  const alone = scene();
  alone.greeting.count(1);
  assertEquals(await alone.state(), "resolved");
  const third = scene();
  third.greeting.count(3);
  third.greeting.answered("b", []);
  assertEquals(await third.state(), "pending"); // b does not know c yet
  third.greeting.answered("c", null);
  assertEquals(await third.state(), "resolved");
});

test("greeting: a node that has waited long enough stops waiting", async () => {
  const { greeting, state } = scene();
  greeting.await("b");
  greeting.end();
  assertEquals(await state(), "resolved");
});

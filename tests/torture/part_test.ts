import { assertEquals } from "@std/assert";
import process from "node:process";
import { test } from "../harness.ts";
import { until } from "../../conformance/check.ts";
import { runtime } from "../runtime.ts";
import { Part } from "./part.ts";

test("torture: the line in which a process was killed is left out, and the lines before it count", async () => {
  const words: object[] = [];
  const own = { name: runtime, path: process.execPath };
  const part = new Part(own, new URL("cut_line.ts", import.meta.url), {}, (word) => words.push(word));
  await until(() => words.length === 1, () => "the first word", 10_000);
  await part.kill();
  assertEquals(words, [{ said: "whole" }]);
});

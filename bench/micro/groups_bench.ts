/** The cost of delivery in one turn to connections that are in many groups, or get answers between. @module */

import type { Connection } from "../../hub/connection/connection.ts";
import { seeded } from "../load/recovery/random.ts";
import { GROUP, line, scene } from "./scene.ts";

const GROUPS = 200;
const messages = Array.from({ length: GROUPS }, (_, i) => line(String(i)));
const name = (i: number): string => `group ${i}`;

/** Connections that are in the groups that `choose` tells. */
function members(count: number, choose: () => Iterable<number>) {
  const made = scene(count);
  for (const { conn } of made.members) {
    for (const i of choose()) made.registry.enrol(name(i), name(i), conn as Connection);
  }
  return made;
}

const all = Array.from({ length: GROUPS }, (_, i) => i);

const one = scene(500);
Deno.bench("one group, 200 messages", { group: "500 connections", baseline: true }, () => {
  for (const message of messages) one.registry.deliver(GROUP, message);
  one.endTurn();
});

const same = members(500, () => all);
Deno.bench("the same 200 groups, one message to each", { group: "500 connections" }, () => {
  for (const [i, message] of messages.entries()) same.registry.deliver(name(i), message);
  same.endTurn();
});

const random = seeded(1);
const various = members(500, () => all.toSorted(() => random() - 0.5).slice(0, 20));
Deno.bench("any 20 of 200 groups, one message to each", { group: "500 connections" }, () => {
  for (const [i, message] of messages.entries()) various.registry.deliver(name(i), message);
  various.endTurn();
});

const answered = scene(32);
const answers = Array.from({ length: GROUPS }, (_, i) => line(`answer ${i}`));
Deno.bench("one group, 200 messages", { group: "32 connections", baseline: true }, () => {
  for (const message of messages) answered.registry.deliver(GROUP, message);
  answered.endTurn();
});
Deno.bench("one group, 200 messages, an answer after each", { group: "32 connections" }, () => {
  for (const [i, message] of messages.entries()) {
    answered.registry.deliver(GROUP, message);
    answered.members[i % 32]!.conn.outbox.pushOwn(answers[i]!);
  }
  answered.endTurn();
});

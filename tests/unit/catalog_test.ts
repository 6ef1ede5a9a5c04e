import { assert, assertEquals, assertThrows } from "@std/assert";
import { z } from "zod";
import { defineContract } from "../../contract/mod.ts";
import type { RecordForm } from "../../hub/groups/record_form.ts";
import { Catalog } from "../../hub/topics/catalog.ts";
import { test } from "../harness.ts";

const payload = z.number();
const contract = defineContract({
  shared: { topics: { "line/:id": { payload } } },
  roles: { member: {}, admin: { topics: { "log/:id": { payload } } } },
});
const make = () => new Catalog(contract, {} as RecordForm);
const name = (i: number) => `line/${i}`;

test("topics that are found in turn are searched for once", () => {
  const catalog = make();
  const found = [1, 2, 3].map((i) => catalog.find(name(i)));
  assertEquals(found.map((topic) => topic.params["id"]), ["1", "2", "3"]);
  for (const [i, topic] of found.entries()) assert(catalog.find(name(i + 1)) === topic);
});

test("a topic that one role has is not found for another one, also when it is remembered", () => {
  const catalog = make();
  const topic = catalog.find("log/1", "admin");
  catalog.find(name(1), "admin");
  assertThrows(() => catalog.find("log/1", "member"), Error, "has no topic");
  assertThrows(() => catalog.find("log/1"), Error, "has it");
  assert(catalog.find("log/1", "admin") === topic);
});

test("a catalog forgets topics, and among more than it remembers it still knows some", () => {
  const catalog = make();
  const first = catalog.find(name(0));
  const seen: unknown[] = [];
  let known = 0;
  for (let i = 0; i < 60_000; i++) {
    const id = 1 + i % 10_000;
    const topic = catalog.find(name(id));
    if (topic === seen[id]) known++;
    seen[id] = topic;
  }
  assert(known > 10_000, `${known} of 60,000 were known`);
  assert(catalog.find(name(0)) !== first);
});

test("a catalog does not remember long names, which a client may choose", () => {
  const catalog = make();
  const long = name(0).padEnd(1_000, "0");
  const topic = catalog.find(long);
  catalog.find(name(1));
  assert(catalog.find(long) !== topic);
  assertEquals(catalog.find(long), topic);
});

test("a name that is no text is refused by its kind, also by a catalog that has found nothing yet", () => {
  for (const name of [undefined, null, 5, {}]) {
    for (const role of [undefined, "admin"]) {
      assertThrows(() => make().find(name as never, role), TypeError, "give its name as text");
    }
  }
});

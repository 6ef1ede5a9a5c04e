import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { createMemoryAdapter, createMemoryBus } from "../../adapters/memory.ts";
import type { Adapter, AdapterContext } from "../../adapters/adapter.ts";
import { checkSame } from "../../conformance/check.ts";
import { adapterConformance } from "../../conformance/mod.ts";
import { Buffer } from "node:buffer";
import { test } from "../harness.ts";

const ONCE = "a publish reaches every other subscribed node once and never its publisher";

test("conformance: a skipped case carries its reason, and the case for the opposite runs after it", async () => {
  const bus = createMemoryBus();
  let ran = 0;
  const instead = { name: "a publish reaches nobody", run: () => Promise.resolve(void ran++) };
  const cases = adapterConformance({
    create: ({ prefix }) => createMemoryAdapter({ bus, prefix }),
    skip: [{ case: ONCE, reason: "it is a black hole", instead }],
  });
  const i = cases.findIndex(({ name }) => name === ONCE);
  assertEquals(cases[i].skip, "it is a black hole");
  assertEquals([cases[i + 1].name, cases[i + 1].skip], ["a publish reaches nobody", undefined]);
  await cases[i + 1].run();
  assertEquals(ran, 1);
});

test("conformance: a case that the setup cannot run says which means are missing", () => {
  const cases = adapterConformance({ create: () => createMemoryAdapter() });
  const lacking = new Set(cases.map(({ skip }) => skip));
  assert(
    lacking.has("the setup cannot stop the backplane") && lacking.has("the setup cannot inject foreign data"),
  );
});

test("conformance: skipping a case that does not exist is an error, so that a skip cannot outlive its case", () => {
  const skip = [{ case: "no such case", reason: "a typing error" }];
  assertThrows(
    () => adapterConformance({ create: () => createMemoryAdapter(), skip }),
    TypeError,
    'Cannot skip the case "no such case"',
  );
});

/** Cases fail as they should when an adapter does not keep its word. */
const broken: Record<
  string,
  { change: (context: AdapterContext) => AdapterContext; case: string; error: string }
> = {
  "delivers twice": {
    change: (context) => ({
      ...context,
      deliver: (...message) => {
        context.deliver(...message);
        context.deliver(...message);
      },
    }),
    case: ONCE,
    error: "What A got",
  },
  "loses bytes' type": {
    change: (context) => ({
      ...context,
      deliver: (channel, data, from) => context.deliver(channel, String(data), from),
    }),
    case: "bytes arrive as the bytes that were sent: every value, empty, and 1 byte",
    error: "Message 0",
  },
  "forgets who sent it": {
    change: (context) => ({
      ...context,
      deliver: (channel, data) => context.deliver(channel, data, "someone"),
    }),
    case: "messages go in both directions, each with the id of the node that published it",
    error: "another sender's id",
  },
  "never says up": {
    change: (context) => ({ ...context, onStatus: () => {} }),
    case: "open reports up, and a node that is open has reported nothing else",
    error: "Waited 50 ms for status up",
  },
};

for (const [what, { change, case: name, error }] of Object.entries(broken)) {
  test(`conformance: an adapter that ${what} fails`, async () => {
    const bus = createMemoryBus();
    const create = ({ prefix }: { prefix: string }): Adapter => {
      const adapter = createMemoryAdapter({ bus, prefix });
      const open = adapter.open.bind(adapter);
      adapter.open = (context) => open(change(context));
      return adapter;
    };
    const { run } = adapterConformance({ create, waitMs: 50 }).find((one) => one.name === name)!;
    await assertRejects(run, Error, error);
  });
}

test("conformance: bytes are the same when they are of one kind and have the same values", () => {
  const bytes = Uint8Array.of(1, 2, 255);
  checkSame(bytes, Uint8Array.of(1, 2, 255), "The bytes");
  checkSame([bytes], [Uint8Array.of(1, 2, 255)], "What came");
  for (const other of [Uint8Array.of(1, 2), Uint8Array.of(1, 2, 254), Buffer.from(bytes), "1,2,255"]) {
    assertThrows(() => checkSame(other, bytes, "The bytes"), Error, "The bytes: expected");
  }
});

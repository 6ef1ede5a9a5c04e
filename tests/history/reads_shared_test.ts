/** Pages that many clients request at once: the cost for the store, and that each gets all messages from before its request. */
import { assert, assertEquals } from "@std/assert";
import { createMemoryHistory } from "@trunkline/hub";
import { test, waitFor } from "../harness.ts";
import { createNode } from "../hub/chat.ts";
import { codeOf, microtasks, rawClient } from "../hub/wires.ts";
import { laterStore } from "./later_store.ts";

const MANY = 500;

/** A node with five messages, and a store that counts how often it is read. */
async function scene() {
  const history = laterStore(createMemoryHistory());
  const node = await createNode(undefined, { history });
  let epoch = "";
  for (let n = 1; n <= 5; n++) epoch = (await node.hub.publish("log/x", { n })).epoch;
  const costs = async (act: () => Promise<unknown>) => {
    const before = history.reads;
    await act();
    return history.reads - before;
  };
  return { node, hub: node.hub, history, epoch, costs, [Symbol.asyncDispose]: node[Symbol.asyncDispose] };
}

const all = <T>(ask: (i: number) => Promise<T>) =>
  Promise.all(Array.from({ length: MANY }, (_, i) => ask(i)));

test("history: the same page asked for many times at once costs the store two reads, and each gets its own", async () => {
  await using of = await scene();
  const { hub, epoch, costs } = of;
  const since = { epoch, offset: 3 };
  const asks = {
    "all": () => hub.history("log/x"),
    "after a position": () => hub.history("log/x", { since }),
    "the newest": () => hub.history("log/x", { reverse: true, limit: 2 }),
  };
  for (const [what, ask] of Object.entries(asks)) {
    const expected = await ask();
    const reads = await costs(async () => {
      const pages = await all(ask);
      for (const page of pages) assertEquals(page, expected);
      assert(
        new Set(pages.map(({ records }) => records[0]!.payload)).size === MANY,
        "nobody shares a payload",
      );
    });
    assertEquals(reads, 2, what); // one that was under way, and one for all later callers
  }
  assertEquals(await costs(() => all(() => hub.position("log/x"))), 2);
  assertEquals(await costs(() => all((i) => hub.history(`log/${i}`))), MANY, "topics share nothing");
  const pages = await Promise.all([
    hub.history("log/x", { limit: 1 }),
    hub.history("log/x", { limit: 1, reverse: true }),
    hub.history("log/x", { limit: 2 }),
    hub.history("log/x", { limit: 1, since }),
    hub.history("log/x", { limit: 1, since: { epoch: "other", offset: 3 } }),
  ]);
  assertEquals(pages.map(({ records }) => records.map(({ offset }) => offset)), [[1], [5], [1, 2], [4], [1]]);
});

test("history: a caller that asks during a read gets the messages that were published before its question", async () => {
  await using of = await scene();
  const { hub, history } = of;
  const { read } = history;
  history.read = async (...given) => {
    const page = await read(...given);
    await microtasks(); // longer than an append takes
    return page;
  };
  for (let n = 6; n <= 30; n++) {
    const early = [hub.history("log/x"), hub.history("log/x")];
    await hub.publish("log/x", { n });
    const { reads } = history;
    const page = await hub.history("log/x");
    assertEquals([page.last, page.records.at(-1)!.payload], [n, { n }]);
    assertEquals([history.reads - reads, (await early[0])!.last], [1, n - 1]);
    assertEquals(await early[1], page); // it waited, and got the one that came after
  }
});

test("history: a failed read is not repeated for each waiting caller", async () => {
  await using of = await scene();
  const { hub, history, costs } = of;
  history.state = "down";
  const reads = await costs(async () => {
    const codes = await all(() => codeOf(() => hub.history("log/x")));
    assertEquals(new Set(codes), new Set(["UNAVAILABLE"]));
  });
  assertEquals(reads, 1);
  history.state = "up";
  assertEquals((await hub.history("log/x")).last, 5);
});

test("history: many clients that begin with the newest messages, or read a page, share the reads", async () => {
  await using of = await scene();
  const { node, costs } = of;
  const clients = await Promise.all(Array.from({ length: 200 }, () => rawClient(node.loopback.client())));
  const answers = (raw: { heard: readonly (readonly unknown[])[] }) =>
    raw.heard.filter(([kind]) => kind === "res").length;
  const joining = await costs(async () => {
    for (const raw of clients) raw.say(["sub", 1, "log/x", { last: 3 }]);
    await waitFor(() => clients.every((raw) => answers(raw) === 1), { what: "all to be live" });
  });
  for (const raw of clients) {
    assertEquals(raw.heard.filter(([kind]) => kind === "rec").map(([, , offset]) => offset), [3, 4, 5]);
  }
  const reading = await costs(async () => {
    for (const raw of clients) raw.say(["hist", 2, "log/x", { reverse: true, limit: 2 }]);
    await waitFor(() => clients.every((raw) => answers(raw) === 2), { what: "all pages" });
  });
  assert(joining < 60 && reading < 60, `${joining} and ${reading} reads`);
  await microtasks();
  assertEquals(node.hub.stats().historyReads, 0);
});

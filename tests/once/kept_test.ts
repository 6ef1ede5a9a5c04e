import { assert, assertEquals } from "@std/assert";
import { createMemoryHistory } from "@trunkline/hub";
import type { HistoryStore, StoredRecord } from "@trunkline/hub/adapters/history-store";
import { FakeClock } from "../fake_clock.ts";
import { test, waitFor } from "../harness.ts";
import { laterStore } from "../history/later_store.ts";
import { codeOf, rejection } from "../hub/wires.ts";
import { openBank } from "./bank.ts";

const payment = { to: "bob", amount: 7 };

test("once: an answer outlives the claim that it answers, on every node, and leaves no claim without an answer", async () => {
  const clock = new FakeClock(); // the store's; nodes that have not done it remember nothing
  const history = createMemoryHistory({ clock });
  const limits = { requestIdMs: 60_000 };
  await using scene = await openBank(3, { history, limits });
  const [a, b, c] = await Promise.all(
    scene.branches.map(({ url }) => scene.customer("ann", { url })),
  );
  const pay = (client = a!) => client.request("pay", payment, { id: "order 7" });
  const working = Promise.withResolvers<void>();
  scene.pay = () => working.promise.then(() => "paid");
  const first = pay();
  await waitFor(() => scene.paid.length === 1, { what: "the payment" });
  clock.advance(50_000);
  working.resolve();
  assertEquals((await first).receipt, 1);
  clock.advance(20_000); // the claim is over
  assertEquals([(await pay(b)).receipt, scene.paid.length], [1, 1]);
  const other = { to: "eve", amount: 7 };
  assertEquals(await codeOf(() => b!.request("pay", other, { id: "order 7" })), "BAD_REQUEST");
  assertEquals(await codeOf(() => c!.request("pay", other, { id: "order 7" })), "BAD_REQUEST");
  clock.advance(45_000); // the first answer is over, and the claim of the node that has found it is not
  assertEquals([(await pay(c)).receipt, scene.paid.length], [1, 1]);
});

test("once: foreign records are no answer and no claim: nothing is done, the client is told so, and the application why", async () => {
  const KINDS = [
    "junk",
    "",
    "null",
    "[]",
    '["res"',
    "claim x",
    "answer x ",
    'answer x ["err",5]',
    "answer x [1]",
  ];
  for (const data of KINDS) {
    for (const claimed of [false, true]) {
      const memory = createMemoryHistory();
      const foreign: StoredRecord = { offset: 2, data };
      const history: HistoryStore = {
        name: "odd",
        publishes: false,
        append: (channel, text, options) => memory.append(channel, text, options),
        read: (channel, options) => {
          const page = memory.read(channel, options);
          if (!channel.startsWith("once:")) return page;
          return { ...page, records: claimed ? [...page.records, foreign] : [foreign] };
        },
      };
      await using scene = await openBank(1, { history });
      const client = await scene.customer();
      const error = await rejection(client.request("pay", payment, { id: "order 7" }));
      assertEquals([error.code, scene.paid.length, scene.errors.length], ["UNAVAILABLE", 0, 1], data);
      assert(/not written by a hub/.test(String(scene.errors[0]!.error)), String(scene.errors[0]!.error));
    }
  }
});

test("once: all records of a request go when it has expired: no store remembers ids for longer", async () => {
  const history = createMemoryHistory();
  const kept: (boolean | undefined)[] = [];
  const store: HistoryStore = {
    name: "spied on",
    publishes: false,
    append(channel, data, options) {
      if (channel.startsWith("once:")) kept.push(options.brief);
      return history.append(channel, data, options);
    },
    read: (channel, options) => history.read(channel, options),
  };
  await using scene = await openBank(1, { history: store });
  const client = await scene.customer("ann");
  await client.request("pay", payment, { id: "order 7" });
  await waitFor(() => kept.length === 2, { what: "the claim and the answer" });
  assertEquals(kept, [true, true]);
});

test("once: if a store is down, each client is told, and the operator once, until it is back", async () => {
  const history = laterStore(createMemoryHistory());
  await using scene = await openBank(1, { history });
  const client = await scene.customer("ann");
  const codes = (from: string) =>
    Promise.all(["1", "2", "3"].map((id) => codeOf(() => client.request("pay", payment, { id: from + id }))));
  history.state = "down";
  for (const from of ["a", "b"]) assertEquals(await codes(from), Array(3).fill("UNAVAILABLE"));
  assertEquals(scene.errors.map(({ info }) => [info.stage, info.name]), [["handler", "pay"]]);
  history.state = "up";
  assertEquals(await codes("a"), Array(3).fill("no error"));
  assertEquals(scene.errors.length, 1);
});

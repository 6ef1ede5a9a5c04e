import { assert, assertEquals } from "@std/assert";
import { createMemoryHistory, type HubError } from "@trunkline/hub";
import { FakeClock } from "../fake_clock.ts";
import { test, waitFor } from "../harness.ts";
import { laterStore } from "../history/later_store.ts";
import { codeOf, microtasks } from "../hub/wires.ts";
import { openBank } from "./bank.ts";

const payment = { to: "bob", amount: 7 };

/** Two nodes, one of which has begun a payment; its ids last for a minute. */
async function scene() {
  const clock = new FakeClock();
  const history = laterStore(createMemoryHistory({ clock }));
  const bank = await openBank(2, {
    clock,
    history,
    heartbeatMs: 1e9,
    limits: { handshakeTimeoutMs: 1e9, requestIdMs: 60_000 },
    cluster: { joinTimeoutMs: 0 },
  });
  const [here, there] = await Promise.all(bank.branches.map(({ url }) => bank.customer("ann", { url })));
  const working = Promise.withResolvers<string>();
  bank.pay = () => working.promise;
  const pay = (client = here!) => client.request("pay", payment, { id: "order 7" });
  const before = clock.pending;
  const first = pay();
  await waitFor(() => bank.paid.length === 1, { what: "the payment to begin" });
  await microtasks();
  return {
    ...bank,
    paid: bank.paid,
    clock,
    history,
    here: here!,
    there: there!,
    first,
    pay,
    before,
    finish: working.resolve,
    /** Time passes, and what is to be done in it is done. */
    async pass(ms: number): Promise<void> {
      for (let passed = 0; passed < ms; passed += 1_000) {
        clock.advance(1_000);
        await microtasks();
      }
    },
  };
}

test("once: a request that takes longer than an id lasts is not done a second time on another node, which gets its answer", async () => {
  await using of = await scene();
  const { pass, pay, paid, there, finish, first, clock, before } = of;
  await pass(250_000);
  const second = pay(there);
  await pass(250_000); // the claim of the second one comes and goes, and does not count
  assertEquals(
    await codeOf(() => there.request("pay", { ...payment, amount: 8 }, { id: "order 7" })),
    "BAD_REQUEST",
  );
  assertEquals(paid.length, 1);
  finish("paid");
  assertEquals(await first, { receipt: 1, note: "paid" });
  const answered = second.then(({ receipt }) => receipt);
  await pass(2_000);
  assertEquals(await answered, 1);
  await pass(50_000);
  assertEquals([(await pay(there)).receipt, paid.length, clock.pending], [1, 1, before]);
  await pass(130_000); // what was renewed is over, too
  assertEquals([(await pay(there)).receipt, paid.length], [2, 2]);
  assertEquals(of.errors, []);
});

test("once: a node that finds the answer of a long request leaves no claim without an answer behind", async () => {
  await using of = await scene();
  const { pass, pay, paid, there, finish, first } = of;
  await pass(250_000); // the claim is forgotten for its renewals
  finish("paid");
  assertEquals((await first).receipt, 1);
  await pass(30_000);
  assertEquals((await pay(there)).receipt, 1);
  await pass(35_000); // the answer is over, and what that node has claimed is not
  const again = pay().then(({ receipt }) => receipt, ({ code }: HubError) => code);
  await pass(5_000);
  assertEquals([await again, paid.length], [1, 1]);
  assertEquals(of.errors, []);
});

test("once: when its id has expired a request is done again, although the store remembers keys for longer", async () => {
  await using of = await scene();
  const { pass, pay, paid, there, history, finish, first } = of;
  finish("paid");
  await first;
  const { append } = history;
  const positions = new Map<string | undefined, Awaited<ReturnType<typeof append>>>();
  history.append = async (channel, data, options) => {
    const { idempotencyKey: key } = options;
    const known = key === undefined ? undefined : positions.get(key);
    if (known) return known;
    const position = await append(channel, data, options);
    positions.set(key, position);
    return position;
  };
  for (let times = 2; times <= 4; times++) {
    await pass(130_000);
    const both = [pay(there), pay()].map((answer) => answer.then(({ receipt }) => receipt));
    await pass(2_000);
    assertEquals([await Promise.all(both), paid.length], [[times, times], times]);
  }
  assertEquals(of.errors, []);
});

test("once: a claim that cannot be renewed for a while is renewed when the store is back; a lost claim is reported, once", async () => {
  await using of = await scene();
  const { pass, pay, paid, there, history, finish, first, errors } = of;
  history.state = "down";
  await pass(55_000);
  history.state = "up";
  await pass(3_000);
  const second = pay(there).then(({ receipt }) => receipt);
  await pass(50_000);
  assertEquals([paid.length, errors], [1, []]);
  history.state = "down";
  await pass(200_000);
  assertEquals(errors.map(({ error, info }) => [(error as HubError).code, info]), [
    ["UNCERTAIN", { stage: "handler", name: "pay" }],
  ]);
  assert(/claim on "pay".*second time/.test(String(errors[0]!.error)), String(errors[0]!.error));
  history.state = "up";
  finish("paid");
  await first;
  assertEquals(await second.catch(({ code }) => code), "UNCERTAIN");
});

test("once: a claim that is being renewed when the request is done is not renewed again", async () => {
  await using of = await scene();
  const { pass, history, finish, first, clock, before } = of;
  history.state = "hangs";
  await pass(21_000);
  assertEquals(history.waiting, 1);
  finish("paid");
  await first;
  history.release();
  await microtasks();
  assertEquals([history.waiting, clock.pending], [0, before]);
});

test("once: a hub that closes renews no claim any more, whatever its handlers do", async () => {
  await using of = await scene();
  const { branches: [a], pass, history, first } = of;
  first.catch(() => {});
  const closing = a!.hub.close();
  await pass(10_000);
  await closing;
  const { reads } = history;
  let appends = 0;
  const { append } = history;
  history.append = (...args) => (appends++, append(...args));
  await pass(200_000);
  assertEquals([appends, history.reads], [0, reads]);
});

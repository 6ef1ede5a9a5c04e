import { assert, assertEquals } from "@std/assert";
import { createMemoryHistory, type HubError } from "@trunkline/hub";
import { test, waitFor } from "../harness.ts";
import { unsureStore } from "../history/unsure_store.ts";
import { turn } from "../hub/wires.ts";
import { Random } from "../load/random.ts";
import { type Customer, openBank } from "./bank.ts";

/** The errors that a sent request may get before its answer. */
const TOLD: ReadonlySet<string> = new Set(["UNAVAILABLE", "UNCERTAIN", "TIMEOUT", "DISCONNECTED"]);

test(
  "once: with lost, late and cut messages on three nodes, no request is done twice, and all answers are the same",
  async () => {
    for (let seed = 1; seed <= 4; seed++) {
      const random = new Random(seed);
      const history = unsureStore(createMemoryHistory(), random);
      await using scene = await openBank(3, { history });
      const { branches } = scene;
      const customers = await Promise.all(branches.map(() => scene.customer()));
      const done = new Map<number, number>();
      scene.pay = async ({ amount }) => {
        done.set(amount, (done.get(amount) ?? 0) + 1);
        if (random.oneIn(4)) random.pick(branches).line.sever();
        for (let turns = random.below(4); turns > 0; turns--) await turn();
        if (random.oneIn(4)) random.pick(branches).line.sever();
        return amount;
      };
      let answered = 0, told = 0;
      /** Pays, sometimes with two clients at once, until one has an answer, or the time limit ends. */
      const pay = async (amount: number) => {
        const answers: unknown[] = [];
        const ask = async (customer: Customer) => {
          const options = { id: `order ${amount}`, timeoutMs: 200 };
          try {
            answers.push(await customer.request("pay", { to: "bob", amount }, options));
          } catch (error) {
            const { code } = error as HubError;
            assert(TOLD.has(code), `seed ${seed}: ${error}`);
            // What was certainly not done by this request may be another one's.
            told++;
          }
        };
        for (let tries = 0; tries < 8 && answers.length === 0; tries++) {
          await Promise.all(Array.from({ length: 1 + random.below(2) }, () => ask(random.pick(customers))));
        }
        for (const answer of answers) assertEquals(answer, answers[0], `seed ${seed}, order ${amount}`);
        if (answers.length > 0) answered++;
        if (answers.length > 0) assertEquals(done.get(amount), 1, `seed ${seed}, order ${amount}`);
      };
      for (let amount = 1; amount <= 40; amount += 4) {
        await Promise.all([0, 1, 2, 3].map((n) => pay(amount + n)));
        await waitFor(() => customers.every(({ status }) => status === "open"), {
          what: "all clients to be back",
        });
      }
      for (const [amount, times] of done) assertEquals(times, 1, `seed ${seed}, order ${amount}`);
      assert(answered >= 30 && told > 0, `seed ${seed}: ${answered} were answered, ${told} errors`);
      for (const { error } of scene.errors) {
        assert(/is kept|takes nothing|link broke/.test(String(error)), String(error));
      }
    }
  },
  { timeoutMs: 60_000 },
);

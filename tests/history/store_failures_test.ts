/** Reports when a store cannot be read. */
import { assertEquals } from "@std/assert";
import { createMemoryHistory } from "@trunkline/hub";
import { StoreFailures } from "../../hub/topics/store_failures.ts";
import { FakeClock } from "../fake_clock.ts";
import { test, waitFor } from "../harness.ts";
import { createNode } from "../hub/chat.ts";
import { codeOf, rawClient } from "../hub/wires.ts";
import { laterStore } from "./later_store.ts";

test("history: if a store cannot be read, each client is told, and the operator once, until it can be read again", async () => {
  const history = laterStore(createMemoryHistory());
  await using node = await createNode(undefined, { history });
  const { hub, errors, loopback } = node;
  const { epoch } = await hub.publish("log/x", { n: 1 });
  const refusals = async () => {
    const raws = await Promise.all(Array.from({ length: 20 }, () => rawClient(loopback.client())));
    raws.forEach((raw, i) => raw.say(["sub", 1, `log/${i % 3 === 0 ? "x" : i}`, { since: [epoch, 0] }]));
    await waitFor(() => raws.every(({ heard }) => heard.length > 1), { what: "the answers" });
    for (const raw of raws) raw.leave();
    return raws.filter(({ heard }) => heard.some(([kind]) => kind === "err")).length;
  };
  history.state = "down";
  assertEquals([await refusals(), await codeOf(() => hub.history("log/x"))], [20, "UNAVAILABLE"]);
  assertEquals(errors.map(({ info: { stage } }) => stage), ["delivery"]);
  history.state = "up";
  assertEquals([await refusals(), (await hub.history("log/x")).records.length], [0, 1]);
  history.state = "hangs";
  const reading = codeOf(() => hub.history("log/x"));
  await hub.close();
  history.state = "down";
  history.release();
  await reading;
  assertEquals(errors.length, 1);
});

test("history: failures of a store are reported once while it is down, and every ten seconds if it answers some calls", async () => {
  const clock = new FakeClock();
  const told: string[] = [];
  const failures = new StoreFailures(clock, (error, what) => void told.push(`${what}: ${error}`));
  const fail = () => {
    throw "down";
  };
  const later = (act: () => unknown) => Promise.resolve().then(act);
  const ask = (what: string, act: () => unknown) => codeOf(() => failures.watch(what, act));
  for (const act of [fail, () => later(fail)]) {
    for (let i = 1; i <= 3; i++) await ask(`${i}`, act);
    clock.advance(60_000);
    for (let i = 4; i <= 6; i++) await ask(`${i}`, act);
    assertEquals(told.splice(0), ["1: down"]);
    for (let i = 1; i <= 20; i++) {
      await ask("well", () => later(() => 5));
      await ask(`${i}`, act);
      clock.advance(1_000);
    }
    assertEquals(told.splice(0), ["1: down", "11: down"]);
    clock.advance(10_000);
    await ask("well", () => 5);
  }
  failures.close();
  await ask("7", fail);
  assertEquals(told, []);
});

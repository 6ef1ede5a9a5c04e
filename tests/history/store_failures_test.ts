/** A store that cannot be read: who is told. */
import { assertEquals } from "@std/assert";
import { createMemoryHistory } from "@trunkline/hub";
import { test, waitFor } from "../harness.ts";
import { createNode } from "../hub/chat.ts";
import { codeOf, rawClient } from "../hub/wires.ts";
import { laterStore } from "./later_store.ts";

test("history: of a store that cannot be read clients are told, each, and whoever runs the hub, once until it can be again", async () => {
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
  for (let outage = 1; outage <= 2; outage++) {
    history.state = "down";
    assertEquals([await refusals(), await codeOf(() => hub.history("log/x"))], [20, "UNAVAILABLE"]);
    assertEquals(errors.map(({ info: { stage } }) => stage), Array(outage).fill("delivery"));
    history.state = "up";
    assertEquals([await refusals(), (await hub.history("log/x")).records.length], [0, 1]);
  }
  history.state = "hangs";
  const reading = codeOf(() => hub.history("log/x"));
  await hub.close();
  history.state = "down";
  history.release();
  await reading;
  assertEquals(errors.length, 2);
});

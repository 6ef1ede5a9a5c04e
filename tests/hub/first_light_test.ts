import { assertEquals } from "@std/assert";
import { test, waitFor } from "../harness.ts";
import { createNodes } from "./chat.ts";

test("two people on different nodes talk, and everything is gone when they leave", async () => {
  await using cluster = await createNodes(2);
  const [a, b] = cluster.nodes;
  const ann = await a!.member("ann");
  const bob = await b!.member("bob");
  const heard: unknown[] = [];
  ann.on("message", (m) => heard.push(m.text));
  bob.on("message", (m) => heard.push(m.text));
  await Promise.all([ann.request("join", { room: "lobby" }), bob.request("join", { room: "lobby" })]);
  const { id } = await ann.request("say", { room: "lobby", text: "hi" });
  assertEquals(id, "1");
  await waitFor(() => heard.length === 2, { what: "both to hear it" });
  assertEquals(heard, ["hi", "hi"]);
  const sub = bob.subscribe("ticker/ACME", (t) => heard.push(t.price));
  await sub.ready;
  a!.hub.publish("ticker/ACME", { price: 7 });
  await waitFor(() => heard.includes(7), { what: "the tick" });
  await ann.close();
  await bob.close();
  for (const { hub, errors } of cluster.nodes) {
    await waitFor(() => Object.values({ ...hub.stats(), refused: 0 }).every((n) => n === 0), {
      what: "all counts to be zero",
    });
    assertEquals(errors, []);
  }
});

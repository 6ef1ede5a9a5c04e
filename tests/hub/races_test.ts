import { assertEquals } from "@std/assert";
import { waitFor } from "../harness.ts";
import { empty, testOnAdapters } from "./cluster.ts";
import { codeOf, turn } from "./wires.ts";

testOnAdapters("unsubscribing while the subscribe is on its way leaves no ghost", async (start) => {
  const gates: ((allow: boolean) => void)[] = [];
  await using cluster = await start(1, {
    authorize: { "ticker/:symbol": () => new Promise<boolean>((resolve) => void gates.push(resolve)) },
  });
  const [a] = cluster.nodes;
  const ann = await a!.member("ann");
  const heard: string[] = [];
  const subscribe = (name: string) => ann.subscribe("ticker/ACME", () => heard.push(name));

  const first = subscribe("first");
  const ready = codeOf(() => first.ready);
  await waitFor(() => gates.length === 1, { what: "the first decision" });
  first.unsubscribe();
  assertEquals(await ready, "DISCONNECTED");
  const second = subscribe("second");
  await waitFor(() => gates.length === 2, { what: "the second decision" });
  gates[0]!(true); // what was decided for the first does not count for the second
  await turn();
  assertEquals([second.status, a!.hub.stats().subscriptions], ["pending", 1]);
  gates[1]!(true);
  await second.ready;
  a!.hub.publish("ticker/ACME", { price: 1 });
  await turn();
  assertEquals(heard, ["second"]);

  second.unsubscribe();
  const third = subscribe("third");
  const refused = codeOf(() => third.ready);
  await waitFor(() => gates.length === 3, { what: "the third decision" });
  gates[2]!(false);
  assertEquals(await refused, "FORBIDDEN");
  a!.hub.publish("ticker/ACME", { price: 2 });
  await turn();
  assertEquals([heard, a!.hub.stats().subscriptions], [["second"], 0]);
  await ann.close();
  await empty(a!);
});

testOnAdapters("closing, severing or disconnecting during a subscribe leaves no ghost", async (start) => {
  for (const how of ["close", "sever", "disconnect"] as const) {
    const gate = Promise.withResolvers<void>();
    await using cluster = await start(1);
    const [a] = cluster.nodes;
    const line = a!.loopback.client();
    const ann = await a!.member("ann", { transport: line, reconnect: false });
    a!.tap.beforeSubscribe = () => gate.promise;
    const ready = codeOf(() => ann.subscribe("ticker/ACME", () => {}).ready);
    await waitFor(() => a!.tap.subscribed.includes("topic:ticker/ACME"), { what: "the subscribe" });
    if (how === "close") await ann.close();
    else if (how === "sever") line.sever();
    else await a!.hub.cluster.disconnect({ user: "ann" });
    assertEquals([how, await ready], [how, "DISCONNECTED"]);
    gate.resolve();
    await empty(a!);
    await waitFor(() => a!.tap.unsubscribed.includes("topic:ticker/ACME"), {
      what: "the channel to be left",
    });
    await a!.hub.close();
    cluster.nodes.pop();
  }
});

testOnAdapters("subscribing and unsubscribing in one turn ends as the last call says", async (start) => {
  await using cluster = await start(2);
  const [a, b] = cluster.nodes;
  const ann = await a!.member("ann");
  const heard: string[] = [];
  for (const stays of [true, false, true, false]) {
    let sub = ann.subscribe("stats", ({ n }) => heard.push(`${n}`));
    for (let n = 0; n < 5; n++) {
      sub.unsubscribe();
      sub = ann.subscribe("stats", ({ n }) => heard.push(`${n}`));
    }
    if (stays) await sub.ready;
    else sub.unsubscribe();
    await waitFor(() => a!.hub.stats().subscriptions === (stays ? 1 : 0), { what: "the last word" });
    heard.length = 0;
    b!.hub.publish("stats", { n: 1 });
    b!.hub.user("ann").emit("dm", { text: "end" });
    const end = Promise.withResolvers<void>();
    const off = ann.on("dm", () => end.resolve());
    await end.promise;
    off();
    if (stays) await waitFor(() => heard.length > 0, { what: "the message" });
    assertEquals(heard, stays ? ["1"] : []);
    sub.unsubscribe();
  }
  await ann.close();
  await empty(a!, b!);
});

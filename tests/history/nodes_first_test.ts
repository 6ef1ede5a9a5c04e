import { createHub, createMemoryAdapter, createMemoryBus, defineContract } from "@trunkline/hub";
import type { AdapterData } from "@trunkline/hub/adapters/adapter";
import { z } from "zod";
import { assertEquals } from "@std/assert";
import { microtaskClock } from "../fake_clock.ts";
import { test, waitFor } from "../harness.ts";
import { Tap } from "../hub/tap.ts";
import { slowLinks } from "./slow_links.ts";

const contract = defineContract({
  shared: { topics: { news: { payload: z.number(), history: { size: 10 } } } },
  roles: { member: {} },
});

test("a message with history goes to the other nodes before the clients of its own node: if that node dies, they find it elsewhere", async () => {
  const links = slowLinks();
  const order: string[] = [];
  const records = () => client.heard.filter(([kind]) => kind === "rec").length;
  class Recorder extends Tap {
    override publish(channel: string, data: AdapterData): void {
      if (channel === "topic:news") order.push(`to nodes, ${records()} at clients`);
      super.publish(channel, data);
    }
  }
  const hub = createHub(contract, {
    authenticate: () => ({ role: "member" }),
    adapter: new Recorder(createMemoryAdapter({ bus: createMemoryBus() })),
    transports: [links],
    history: "per-node",
    clock: microtaskClock,
    onError() {},
  });
  await hub.ready;
  const client = links.connect();
  await waitFor(() => client.heard.length > 0, { what: "the welcome" });
  client.say(["sub", 1, "news", {}]);
  await waitFor(() => client.heard.some(([kind]) => kind === "res"), { what: "the subscription" });
  for (const [sent, payload] of [1, 2].entries()) {
    await hub.publish("news", payload);
    await waitFor(() => records() === sent + 1, { what: "the message" });
  }
  assertEquals(order, ["to nodes, 0 at clients", "to nodes, 1 at clients"]);
  await hub.close();
});

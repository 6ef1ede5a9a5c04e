import { assertEquals } from "@std/assert";
import { test } from "../harness.ts";
import { createNode } from "./chat.ts";
import { createMemoryBus, type HubError } from "@trunkline/hub";

for (const [where, bus] of [["alone", undefined], ["in a cluster", createMemoryBus()]] as const) {
  test(`a closed hub ${where} reports once that published messages reach no client`, async () => {
    const node = await createNode(bus);
    const { hub, errors } = node;
    await hub.close();
    errors.length = 0;
    hub.publish("stats", { n: 1 });
    hub.room("lobby").broadcast("message", { room: "lobby", text: "late", seq: 1 });
    hub.user("ann").emit("dm", { text: "late" });
    assertEquals(errors.map(({ error, info }) => [(error as HubError).code, info.stage]), [[
      "UNAVAILABLE",
      "publish",
    ]]);
    await node[Symbol.asyncDispose]();
  });
}

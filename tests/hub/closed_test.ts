import { assertEquals } from "@std/assert";
import { test } from "../harness.ts";
import { createNode } from "./chat.ts";
import { createMemoryBus, type HubError } from "@trunkline/hub";

for (const [where, bus] of [["alone", undefined], ["in a cluster", createMemoryBus()]] as const) {
  test(`a hub ${where} that is closed says once that what is published now reaches nobody`, async () => {
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

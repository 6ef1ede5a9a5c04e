import { assertEquals } from "@std/assert";
import { test } from "../harness.ts";
import { createNode, type Node } from "./chat.ts";
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

  for (
    const [what, send] of [
      ["a message of a topic", ({ hub }) => hub.publish("stats", { n: 1 })],
      [
        "an event to a room",
        ({ hub }) => hub.room("lobby").broadcast("message", { room: "lobby", text: "late", seq: 1 }),
      ],
      [
        "an event to rooms",
        ({ hub }) => hub.rooms(["lobby"]).broadcast("message", { room: "lobby", text: "late", seq: 1 }),
      ],
      [
        "an event to a role",
        ({ hub }) => hub.forRole("member").emit("message", { room: "lobby", text: "late", seq: 1 }),
      ],
      ["an event to a user", ({ hub }) => hub.user("ann").emit("dm", { text: "late" })],
    ] satisfies readonly (readonly [string, (node: Node) => void])[]
  ) {
    test(`a closed hub ${where} reports once that it reaches no client: ${what}`, async () => {
      const node = await createNode(bus);
      const { hub, errors } = node;
      await hub.close();
      errors.length = 0;
      for (let i = 0; i < 2; i++) send(node);
      assertEquals(errors.map(({ info }) => info.stage), ["publish"]);
      await node[Symbol.asyncDispose]();
    });
  }
}

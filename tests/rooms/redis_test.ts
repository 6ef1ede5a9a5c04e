/** Rooms with history over the adapter for Redis, which brings their histories along. */
import { assertEquals } from "@std/assert";
import { createEmitter, systemClock } from "@trunkline/hub";
import { createRedisAdapter } from "@trunkline/hub/adapters/redis";
import { startRedis } from "../../tools/brokers/redis.ts";
import { test, waitFor } from "../harness.ts";
import { follow, hears, rooms, startNode, told } from "./scene.ts";

const nodeOn = (url: string) => startNode(createRedisAdapter({ url, prefix: "p" }), { clock: systemClock });

test(
  "rooms on redis: whose node is gone recovers on another; a history that is lost is told once",
  async () => {
    await using broker = await startRedis();
    await using a = await nodeOn(broker.url);
    await using b = await nodeOn(broker.url);
    await using emitter = createEmitter(rooms, {
      adapter: createRedisAdapter({ url: broker.url, prefix: "p" }),
    });
    const guest = await follow([a, b], "member");
    await guest.join("chat/1");
    assertEquals(guest.client.nodeId, a.hub.nodeId);
    const except = { id: guest.client.connectionId! };
    await a.hub.room("chat/1").broadcast("line", { n: 1 });
    await b.hub.room("chat/1").broadcast("line", { n: 2 });
    await hears(guest, 2);
    await guest.drop();
    await b.hub.room("chat/1").broadcast("line", { n: 3 });
    await b.hub.room("chat/1").broadcast("line", { n: 4 }, { except });
    await emitter.room("chat/1").broadcast("line", { n: 5 });
    await guest.back(b);
    await told(guest, 1);
    await a.hub.close();
    await b.hub.room("chat/1").broadcast("line", { n: 6 });
    await hears(guest, 5);
    assertEquals(guest.metas.map((meta) => meta?.offset), [1, 2, 3, 5, 6]);
    assertEquals([guest.heard, guest.recoveries], [[1, 2, 3, 5, 6], [{ room: "chat/1", recovered: true }]]);
    await broker.kill();
    await broker.start(); // with nothing in it
    await waitFor(async () => {
      try {
        return await b.hub.room("chat/1").broadcast("line", { n: 7 }, { id: "seven" });
      } catch {
        return false;
      }
    }, { what: "a broadcast that is kept" });
    await told(guest, 2);
    await b.hub.room("chat/1").broadcast("line", { n: 8 });
    await waitFor(() => guest.heard.at(-1) === 8, { what: "what is live" });
    assertEquals(guest.recoveries.slice(1), [{ room: "chat/1", recovered: false }]);
    await guest.client.close();
  },
  { timeoutMs: 60_000 },
);

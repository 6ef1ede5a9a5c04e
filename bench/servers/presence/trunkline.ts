/**
 * Trunkline: a node of a cluster whose members have no sockets. Requests control the members.
 *
 * @module
 */

import { createRedisAdapter } from "@trunkline/hub/adapters/redis";
import { Hono } from "hono";
import { order } from "../cluster/order.mjs";
import { serve } from "../serve.ts";
import { costs } from "./cost.ts";
import { Crowd } from "./crowd.ts";

/** How often to check whether all members are known, in milliseconds. */
const LOOK_MS = 2;
/** After so long without a change, the node gives up waiting. */
const STALLED_MS = 10_000;
const PAGE = { limit: 100 };

const { adapter, url, prefix } = order;
const crowd = new Crowd(createRedisAdapter({ url, prefix }), adapter as "gossip" | "central");
const { hub } = crowd;
await hub.ready;

const presence = (room: string) => hub.presence(room as "crowd/:id");

/** Waits until the node knows so many members of a room, or nothing changes any more. Returns how many it knows. */
async function until(room: string, wanted: number): Promise<number> {
  let last = NaN;
  for (let since = 0;;) {
    const count = await presence(room).count();
    const now = performance.now();
    if (count !== last) [last, since] = [count, now];
    if (count === wanted || now - since > STALLED_MS) return count;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/** Measures a count and a page in a room with few members and in one with many, and the first page of the one with many. */
async function measure(few: string, many: string) {
  const start = performance.now();
  const { cursor } = await presence(many).page(PAGE);
  const firstPageMs = performance.now() - start;
  const [countFewUs, countUs] = await costs([few, many].map((room) => () => presence(room).count()));
  const [pageUs] = await costs([() => presence(many).page({ ...PAGE, cursor })]);
  return { firstPageMs, countFewUs, countUs, pageUs };
}

const app = new Hono();
app.get("/connect", async (c) => {
  const { from, count } = c.req.query();
  await crowd.connect(Number(from), Number(count));
  return c.json({});
});
for (const what of ["enter", "leave"] as const) {
  app.get(`/${what}`, async (c) => {
    const { room, from, count } = c.req.query();
    await crowd.send(what, room!, Number(from), Number(count));
    return c.json({});
  });
}
app.get("/until", async (c) => {
  const { room, count } = c.req.query();
  return c.json({ count: await until(room!, Number(count)) });
});
app.get("/costs", async (c) => {
  const { few, many } = c.req.query();
  return c.json(await measure(few!, many!));
});
app.route("/realtime", hub.routes);
serve({ fetch: app.fetch, websocket: hub.websocket, stats: () => hub.stats() });

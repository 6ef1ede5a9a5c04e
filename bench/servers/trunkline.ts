/**
 * Trunkline: a typed hub, validation on.
 *
 * @module
 */

import { createHub } from "@trunkline/hub";
import { Hono } from "hono";
import { contract } from "../contract.ts";
import { serve } from "./serve.ts";

const hub = createHub(contract, {
  authenticate: ({ role }) => ({ role }),
  limits: { messagesPerSecond: 1e9, messageBurst: 1e9 },
});
hub.implement({
  member: {
    join: ({ room }, { conn }) => hub.room(room).add(conn),
    say: ({ room, text }) => hub.room(room).broadcast("message", { text }),
    publish: ({ id, text }) => void hub.forRole("member").publish(`line/${id}`, { text }),
    echo: (input) => input,
  },
});
await hub.ready;

const app = new Hono();
app.route("/realtime", hub.routes);
serve({ fetch: app.fetch, websocket: hub.websocket, stats: () => hub.stats() });

/**
 * Trunkline: a typed hub, with validation.
 *
 * @module
 */

import { Hono } from "hono";
import { createMeasuredHub } from "../hub.ts";
import { serve } from "./serve.ts";

const hub = createMeasuredHub();
await hub.ready;

const app = new Hono();
app.route("/realtime", hub.routes);
serve({ fetch: app.fetch, websocket: hub.websocket, stats: () => hub.stats() });

/** Peer: crossws on Bun, a node of a cluster. @module */

import crossws from "crossws/adapters/bun";
import { serve } from "../serve.ts";
import { options } from "./crossws_options.mjs";
import { arrived } from "./order.mjs";

const ws = crossws(options);

serve({
  websocket: ws.websocket,
  async fetch(request, server) {
    return await ws.handleUpgrade(request, server) ?? new Response(null, { status: 426 });
  },
  stats: () => arrived,
});

/** Peer: crossws on Bun. @module */

import crossws from "crossws/adapters/bun";
import { hooks } from "./crossws_hooks.ts";
import { serve } from "./serve.ts";

const ws = crossws({ hooks });

serve({
  websocket: ws.websocket,
  async fetch(request, server) {
    return await ws.handleUpgrade(request, server) ?? new Response(null, { status: 426 });
  },
});

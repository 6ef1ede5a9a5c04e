/** Peer: crossws on Deno. @module */

import crossws from "crossws/adapters/deno";
import { hooks } from "./crossws_hooks.ts";
import { serve } from "./serve.ts";

const ws = crossws({ hooks });

serve({
  fetch(request, info) {
    const upgrade = request.headers.get("upgrade") === "websocket";
    return upgrade ? ws.handleUpgrade(request, info) : new Response(null, { status: 426 });
  },
});

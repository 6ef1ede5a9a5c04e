/** Peer: crossws on Deno, a node of a cluster. @module */

import crossws from "crossws/adapters/deno";
import { serve } from "../serve.ts";
import { options } from "./crossws_options.mjs";
import { arrived } from "./order.mjs";

const ws = crossws(options);

serve({
  fetch(request, info) {
    const upgrade = request.headers.get("upgrade") === "websocket";
    return upgrade ? ws.handleUpgrade(request, info) : new Response(null, { status: 426 });
  },
  stats: () => arrived,
});

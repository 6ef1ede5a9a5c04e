/** Peer: crossws on Deno. The clients are plain WebSockets. @module */

import crossws from "crossws/adapters/deno";
import { serve } from "../serve.ts";
import { hooks } from "./crossws_hooks.ts";
import { answerPublish } from "./publish_route.ts";

const ws = crossws({ hooks });

serve({
  async fetch(request, info) {
    if (request.headers.get("upgrade") === "websocket") return await ws.handleUpgrade(request, info);
    return await answerPublish(
      request,
      (story, text) => ws.publish(`story/${story}`, JSON.stringify({ text })),
    ) ?? new Response(null, { status: 426 });
  },
});

/** Peer: crossws on Bun. The clients are plain WebSockets. @module */

import crossws from "crossws/adapters/bun";
import { serve } from "../serve.ts";
import { hooks } from "./crossws_hooks.ts";
import { answerPublish } from "./publish_route.ts";

const ws = crossws({ hooks });

serve({
  websocket: ws.websocket,
  async fetch(request, server) {
    if (request.headers.get("upgrade") === "websocket") {
      return await ws.handleUpgrade(request, server) as never;
    }
    return await answerPublish(
      request,
      (story, text) => ws.publish(`story/${story}`, JSON.stringify({ text })),
    ) ?? new Response(null, { status: 426 });
  },
});

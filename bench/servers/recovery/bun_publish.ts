/** Control: bare Bun, its native publish. The clients are plain WebSockets. @module */

import { serve } from "../serve.ts";
import { answerPublish } from "./publish_route.ts";

interface BunSocket {
  send(data: string): void;
  subscribe(topic: string): void;
}

interface BunServer {
  upgrade(request: Request): boolean;
  publish(topic: string, data: string): void;
}

serve({
  async fetch(request, server: BunServer) {
    if (request.headers.get("upgrade") === "websocket") {
      return server.upgrade(request) ? undefined as never : new Response(null, { status: 400 });
    }
    return await answerPublish(
      request,
      (story, text) => server.publish(`story/${story}`, JSON.stringify({ text })),
    ) ?? new Response(null, { status: 426 });
  },
  websocket: {
    open(socket: BunSocket) {
      socket.subscribe("story/0");
      socket.send("ready");
    },
    message() {},
  },
});

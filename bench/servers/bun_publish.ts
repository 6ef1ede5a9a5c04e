/** Control: bare Bun, its native publish. @module */

import { serve } from "./serve.ts";

interface BunSocket {
  send(data: string): void;
  subscribe(topic: string): void;
}

interface BunServer {
  upgrade(request: Request): boolean;
  publish(topic: string, data: string): void;
}

let server: BunServer | undefined;

serve({
  fetch(request, running: BunServer) {
    server = running;
    return running.upgrade(request) ? undefined as never : new Response(null, { status: 426 });
  },
  websocket: {
    open(socket: BunSocket) {
      socket.subscribe("bench");
      socket.send("ready");
    },
    message(socket: BunSocket, data: string) {
      if (data.startsWith("?")) socket.send(data);
      else server!.publish("bench", data);
    },
  },
});

/**
 * Control: bare Bun, its native publish, but outside of the handlers: when all messages of a turn have come. So it can put more
 * of them into one write.
 *
 * @module
 */

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
let waiting: string[] = [];

function publishAll(): void {
  const messages = waiting;
  waiting = [];
  for (const message of messages) server!.publish("bench", message);
}

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
      else if (waiting.push(data) === 1) setImmediate(publishAll);
    },
  },
});

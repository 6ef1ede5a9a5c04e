/** Control: bare Bun, a loop of sends. @module */

import { serve } from "./serve.ts";

interface BunSocket {
  send(data: string): void;
}

const sockets = new Set<BunSocket>();

serve({
  fetch(request, server: { upgrade(request: Request): boolean }) {
    return server.upgrade(request) ? undefined as never : new Response(null, { status: 426 });
  },
  websocket: {
    open(socket: BunSocket) {
      sockets.add(socket);
      socket.send("ready");
    },
    message(socket: BunSocket, data: string) {
      if (data.startsWith("?")) return socket.send(data);
      for (const other of sockets) other.send(data);
    },
    close: (socket: BunSocket) => sockets.delete(socket),
  },
});

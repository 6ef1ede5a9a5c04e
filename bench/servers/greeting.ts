/**
 * Control for `connect`: reads a hello and answers it with a welcome, as Trunkline does, but without a library: it checks nobody,
 * and remembers nothing but the socket. This is what the exchange costs on this runtime.
 *
 * @module
 */

import { serve } from "./serve.ts";

interface Socket {
  send(data: string): void;
}

const SUBPROTOCOL = "trunkline.v1.json";
const sockets = new Set<Socket>();

function greet(socket: Socket, data: string): void {
  const [[kind]] = JSON.parse(data);
  if (kind !== "hello") return;
  sockets.add(socket);
  const connection = `${crypto.randomUUID()}.${sockets.size}`;
  socket.send(JSON.stringify([["welcome", { connection, heartbeatMs: 25_000 }]]));
}

serve({
  fetch(request, server: { upgrade?(request: Request): boolean }) {
    if (server.upgrade) {
      return server.upgrade(request) ? undefined as never : new Response(null, { status: 426 });
    }
    const { socket, response } = Deno.upgradeWebSocket(request, { protocol: SUBPROTOCOL });
    socket.onmessage = ({ data }) => greet(socket, data);
    socket.onclose = () => sockets.delete(socket);
    return response;
  },
  websocket: {
    message: (socket: Socket, data: string) => greet(socket, data),
    close: (socket: Socket) => sockets.delete(socket),
  },
});

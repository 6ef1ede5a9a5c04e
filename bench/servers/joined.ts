/**
 * Control: the messages of a turn joined into one text frame for all, as Trunkline sends them, but without a library: no
 * contract, no rooms, no limits. This is what the runtime allows.
 *
 * @module
 */

import { serve } from "./serve.ts";

interface Socket {
  send(data: string): void;
}

const sockets = new Set<Socket>();
let waiting: string[] = [];

function say(text: string): void {
  if (waiting.push(text) === 1) setImmediate(sendAll);
}

function sendAll(): void {
  const frame = `[${waiting.join()}]`;
  waiting = [];
  for (const socket of sockets) socket.send(frame);
}

const enter = (socket: Socket): void => {
  sockets.add(socket);
  socket.send("ready");
};

serve({
  fetch(request, server: { upgrade?(request: Request): boolean }) {
    if (server.upgrade) {
      return server.upgrade(request) ? undefined as never : new Response(null, { status: 426 });
    }
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.onopen = () => enter(socket);
    socket.onmessage = ({ data }) => say(data);
    socket.onclose = () => sockets.delete(socket);
    return response;
  },
  websocket: {
    open: enter,
    message: (_socket: Socket, data: string) => say(data),
    close: (socket: Socket) => sockets.delete(socket),
  },
});

/** Control: bare Deno, a loop of sends. @module */

import { serve } from "./serve.ts";

const sockets = new Set<WebSocket>();

serve({
  fetch(request) {
    if (request.headers.get("upgrade") !== "websocket") return new Response(null, { status: 426 });
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.onopen = () => {
      sockets.add(socket);
      socket.send("ready");
    };
    socket.onmessage = ({ data }) => {
      if (data.startsWith("?")) return socket.send(data);
      for (const other of sockets) if (other.readyState === WebSocket.OPEN) other.send(data);
    };
    socket.onclose = () => sockets.delete(socket);
    return response;
  },
});

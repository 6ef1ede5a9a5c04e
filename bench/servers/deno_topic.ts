/**
 * Control of the growth study: bare Deno with one topic and a loop of sends, without validation. It speaks the part of
 * Trunkline's protocol that the load uses. If its publishes cost more with more connections, the runtime is the cause.
 *
 * @module
 */

import { serve } from "./serve.ts";

const TOPIC = "line/000000";
const subscribers = new Set<WebSocket>();

serve({
  fetch(request) {
    if (request.headers.get("upgrade") !== "websocket") return new Response(null, { status: 426 });
    const { socket, response } = Deno.upgradeWebSocket(request, { protocol: "trunkline.v1.json" });
    socket.onmessage = ({ data }) => {
      for (const [kind, second, third] of JSON.parse(data)) {
        if (kind === "hello") socket.send('[["welcome"]]');
        else if (kind === "sub") {
          if (third === TOPIC) subscribers.add(socket);
          socket.send(`[["res",${second}]]`);
        } else {
          const message = JSON.stringify([["pub", `line/${third.id}`, { text: third.text }]]);
          for (const subscriber of subscribers) subscriber.send(message);
        }
      }
    };
    socket.onclose = () => subscribers.delete(socket);
    return response;
  },
});

// Run: deno run --allow-net examples/own-adapter/relay_deno.ts
import { Relay } from "./relay.ts";

/** Serves a relay on Deno. */
export function serveRelay(port: number): { readonly port: number; stop(): Promise<void> } {
  const relay = new Relay();
  const sockets = new Set<WebSocket>();
  const server = Deno.serve({ hostname: "127.0.0.1", port, onListen: () => {} }, (request) => {
    const room = new URL(request.url).pathname;
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.onopen = () => {
      sockets.add(socket);
      relay.join(room, socket);
    };
    socket.onmessage = ({ data }) => relay.hear(room, socket, data);
    socket.onclose = () => {
      sockets.delete(socket);
      relay.leave(room, socket);
    };
    return response;
  });
  return {
    port: server.addr.port,
    async stop() {
      for (const socket of sockets) socket.close();
      await server.shutdown();
    },
  };
}

if (import.meta.main) console.log(`The relay: ws://127.0.0.1:${serveRelay(9000).port}`);

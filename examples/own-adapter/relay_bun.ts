// Run: bun examples/own-adapter/relay_bun.ts
import { type Node, Relay } from "./relay.ts";

/** The part of Bun that this file uses. */
interface Bun {
  serve(options: {
    hostname: string;
    port: number;
    fetch(
      request: Request,
      server: { upgrade(request: Request, options: { data: Data }): boolean },
    ): Response | void;
    websocket: {
      maxPayloadLength: number;
      open(socket: Socket): void;
      message(socket: Socket, text: string): void;
      close(socket: Socket): void;
    };
  }): { readonly port: number; stop(closeConnections: boolean): Promise<void> };
}
interface Data {
  readonly room: string;
}
type Socket = Node & { readonly data: Data };

/** Serves a relay on Bun. */
export function serveRelay(port: number): { readonly port: number; stop(): Promise<void> } {
  const relay = new Relay();
  const { Bun } = globalThis as unknown as { readonly Bun: Bun };
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port,
    fetch(request, server) {
      const data = { room: new URL(request.url).pathname };
      if (!server.upgrade(request, { data })) return new Response("WebSockets only", { status: 426 });
    },
    websocket: {
      maxPayloadLength: 64 * 1024 * 1024,
      open: (socket) => relay.join(socket.data.room, socket),
      message: (socket, text) => relay.hear(socket.data.room, socket, text),
      close: (socket) => relay.leave(socket.data.room, socket),
    },
  });
  return { port: server.port, stop: () => server.stop(true) };
}

if (import.meta.main) console.log(`The relay: ws://127.0.0.1:${serveRelay(9000).port}`);

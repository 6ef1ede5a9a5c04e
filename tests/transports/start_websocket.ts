import { createWebSocketTransport, type WebSocketTransportOptions } from "../../transports/websocket/mod.ts";
import type { LinkAcceptor, Transport } from "../../transports/transport.ts";
import { serve } from "../serve.ts";
import { standardClient } from "./standard_client.ts";

/** A WebSocket transport behind a server of the runtime that runs the tests. */
export interface RunningWebSocket {
  readonly transport: Transport;
  readonly client: typeof standardClient;
  readonly port: number;
  readonly url: string;
  close(): Promise<void>;
}

/** Serves a hub; what is not for the transport is answered with 404. */
export function startWebSocket(
  acceptor: LinkAcceptor,
  options?: WebSocketTransportOptions,
): RunningWebSocket {
  const transport = createWebSocketTransport(options);
  transport.attach(acceptor);
  const { port, close } = serve({
    fetch: (request, platform) =>
      transport.fetch!(request, platform) ?? new Response("Not for the transport", { status: 404 }),
    websocket: transport.websocket,
  });
  return { transport, client: standardClient, port, url: `ws://127.0.0.1:${port}/`, close };
}

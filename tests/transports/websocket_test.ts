import { createWebSocketTransport } from "../../transports/websocket.ts";
import { serve } from "../serve.ts";
import { linkCases, type Running } from "./link_cases.ts";
import type { RecordingAcceptor } from "./recording.ts";
import { standardClient } from "./standard_client.ts";

linkCases("websocket", (acceptor) => {
  const transport = createWebSocketTransport();
  transport.attach(acceptor);
  const server = serve({
    fetch: (request, platform) =>
      transport.fetch!(request, platform) ?? new Response("Not for the transport", { status: 404 }),
    websocket: transport.websocket,
  });
  return {
    transport,
    client: standardClient,
    url: `ws://127.0.0.1:${server.port}/`,
    close: () => server.close(),
  };
});

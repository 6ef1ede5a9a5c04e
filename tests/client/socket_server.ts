import { type ClientMessage, type Encoded, jsonCodec, type ServerMessage } from "../../contract/mod.ts";
import type { BunSocket, BunWebSocketHandler } from "../../transports/websocket/bun_handler.ts";
import { runtime } from "../harness.ts";
import { serve } from "../serve.ts";

/** Answers one message of a client. */
export type Script = (message: ClientMessage, say: (...messages: ServerMessage[]) => void) => void;

interface Peer {
  send(frame: Encoded): void;
  close(): void;
}

/** A server of plain WebSockets, without a hub. */
export interface SocketServer extends AsyncDisposable {
  readonly url: string;
  /** How clients have closed. */
  readonly closed: [code: number, reason: string][];
  /** Closes every socket. */
  dropAll(): void;
}

/** Starts a server that follows a script, or sends back what it gets: text with a word before it, bytes as they are. */
export function serveSockets(script?: Script): SocketServer {
  const peers = new Set<Peer>();
  const closed: [number, string][] = [];
  const receive = (peer: Peer, frame: Encoded) => {
    if (!script) return peer.send(typeof frame === "string" ? `echo ${frame}` : frame);
    for (const message of jsonCodec.decode(frame)) {
      script(
        message as ClientMessage,
        (...messages) => peer.send(jsonCodec.join(messages.map(jsonCodec.encode))),
      );
    }
  };
  const leave = (peer: Peer, code: number, reason: string) => {
    peers.delete(peer);
    closed.push([code, reason]);
  };
  const served = runtime === "bun" ? serveBun() : serveDeno();

  function serveDeno() {
    return serve({
      fetch(request) {
        const { socket, response } = Deno.upgradeWebSocket(request, { protocol: "trunkline.v1.json" });
        socket.binaryType = "arraybuffer";
        socket.onopen = () => void peers.add(socket);
        socket.onmessage = ({ data }) =>
          receive(socket, typeof data === "string" ? data : new Uint8Array(data));
        socket.onclose = ({ code, reason }) => leave(socket, code, reason);
        return response;
      },
    });
  }

  function serveBun() {
    const websocket: Partial<BunWebSocketHandler> = {
      open: (socket: BunSocket) => void peers.add(socket),
      message: (socket: BunSocket, frame: string | Uint8Array) =>
        receive(socket, typeof frame === "string" ? frame : new Uint8Array(frame)),
      close: leave,
    };
    return serve({
      fetch(request, platform) {
        const { upgrade } = platform as { upgrade(request: Request, options: object): boolean };
        const headers = { "sec-websocket-protocol": "trunkline.v1.json" };
        upgrade.call(platform, request, { headers });
        return undefined as unknown as Response;
      },
      websocket: websocket as BunWebSocketHandler,
    });
  }

  return {
    url: `ws://127.0.0.1:${served.port}/`,
    closed,
    dropAll() {
      for (const peer of peers) peer.close();
    },
    [Symbol.asyncDispose]: () => served.close(),
  };
}

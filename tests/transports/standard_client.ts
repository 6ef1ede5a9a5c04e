import type { Encoded } from "../../contract/mod.ts";
import type { ClientTransport } from "../../transports/transport.ts";

/** A client's side on the platform's own `WebSocket`, as plain as can be. */
export const standardClient: ClientTransport = {
  connect(url, subprotocols, events) {
    const socket = new WebSocket(url, [...subprotocols]);
    socket.binaryType = "arraybuffer";
    socket.onopen = () =>
      events.open({
        subprotocol: socket.protocol,
        get bufferedAmount() {
          return socket.bufferedAmount;
        },
        send: (frame: Encoded) => socket.send(frame),
        close: (code, reason) => socket.close(code, reason),
      });
    socket.onmessage = ({ data }) => events.message(typeof data === "string" ? data : new Uint8Array(data));
    // Deno's client says 0 where the standard says 1006.
    socket.onclose = ({ code, reason }) => events.close(code || 1006, reason);
    socket.onerror = (event) => event.preventDefault();
    return (code, reason) => socket.close(code, reason);
  },
};

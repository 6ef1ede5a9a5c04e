/**
 * How to speak to each kind of server: what to say after the handshake, how to know that the connection is ready, and
 * what a chat message looks like.
 *
 * @module
 */

/** A way of speaking. */
export interface Dialect {
  /** The path of the endpoint. */
  readonly path: string;
  /** The subprotocol to offer, if any. */
  readonly subprotocol?: string;
  /** What to say on connecting, and after each text that is waited for. */
  readonly opening: readonly { readonly waitFor?: string; readonly say?: string }[];
  /** One chat message that everybody in the room gets. */
  message(text: string): string;
  /** A request that is answered with one message of the same marker. */
  request(id: number, text: string): string;
}

/** Trunkline's wire protocol, JSON codec. */
const trunkline: Dialect = {
  path: "/realtime",
  subprotocol: "trunkline.v1.json",
  opening: [
    { say: '[["hello",{"role":"member"}]]' },
    { waitFor: '"welcome"', say: '[["req",1,"join",{"room":"bench"}]]' },
    { waitFor: '["res",1' },
  ],
  message: (text) => JSON.stringify([["sig", "say", { room: "bench", text }]]),
  request: (id, text) => JSON.stringify([["req", id + 1, "echo", { text }]]),
};

/** A server that sends every text to everybody, and a text that starts with "?" back to its sender alone. */
const plain: Dialect = {
  path: "/",
  opening: [{ waitFor: "ready" }],
  message: (text) => JSON.stringify({ room: "bench", text }),
  request: (id, text) => "?" + JSON.stringify({ id, text }),
};

/** Socket.IO 4 over Engine.IO 4, WebSocket only. */
const socketIo: Dialect = {
  path: "/socket.io/?EIO=4&transport=websocket",
  opening: [{ waitFor: "0{", say: "40" }, { waitFor: "40{", say: '42["join","bench"]' }, {
    waitFor: '42["joined"',
  }],
  message: (text) => `42${JSON.stringify(["say", { room: "bench", text }])}`,
  request: (id, text) => `42${id}${JSON.stringify(["echo", { text }])}`,
};

/** The dialects by name. */
export const dialects: Readonly<Record<string, Dialect>> = { trunkline, plain, "socket.io": socketIo };

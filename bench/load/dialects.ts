/**
 * How to speak to each kind of server: what to say after the handshake, how to know that the connection is ready, and
 * what a chat message looks like.
 *
 * @module
 */

/** How messages come. Where all have the same size, a frame's size tells how many are in it. */
export interface Heard {
  /** One message without what a frame has around it. */
  message(text: string): string;
  /** How many bytes a frame has around its messages. */
  readonly around: number;
  /** How many bytes are between two messages; `undefined` where each has a frame of its own. */
  readonly between?: number;
  /** Whether each also has its number, the first one 1: `message` writes one of one digit. */
  readonly numbered?: boolean;
}

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
  /** How it comes from the server. */
  readonly heard: Heard;
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
  heard: { message: (text) => JSON.stringify(["ev", "message", { text }]), around: 2, between: 1 },
  request: (id, text) => JSON.stringify([["req", id + 1, "echo", { text }]]),
};

/** A server that sends every text to everybody, and a text that starts with "?" back to its sender alone. */
const plain: Dialect = {
  path: "/",
  opening: [{ waitFor: "ready" }],
  message: (text) => JSON.stringify({ room: "bench", text }),
  heard: { message: (text) => JSON.stringify({ room: "bench", text }), around: 0 },
  request: (id, text) => "?" + JSON.stringify({ id, text }),
};

/** Socket.IO 4 over Engine.IO 4, WebSocket only. */
const socketIo: Dialect = {
  path: "/socket.io/?EIO=4&transport=websocket",
  opening: [{ waitFor: "0{", say: "40" }, { waitFor: "40{", say: '42["join","bench"]' }, {
    waitFor: '42["joined"',
  }],
  message: (text) => `42${JSON.stringify(["say", { room: "bench", text }])}`,
  heard: { message: (text) => `42${JSON.stringify(["message", { text }])}`, around: 0 },
  request: (id, text) => `42${id}${JSON.stringify(["echo", { text }])}`,
};

/** Trunkline's topics: nobody joins anything, and messages come from `line/ID`. */
const topics: Dialect = {
  ...trunkline,
  opening: [{ say: '[["hello",{"role":"member"}]]' }, { waitFor: '"welcome"' }],
  message: (text) => publish(topic(0), text),
  heard: { message: (text) => JSON.stringify(["pub", topic(0), { text }]), around: 2, between: 1 },
};

/** The name of a topic; all have the same length. */
export const topic = (id: number): string => `line/${String(id).padStart(6, "0")}`;

/** A signal that has the server publish to a topic. */
export const publish = (name: string, text: string): string =>
  JSON.stringify([["sig", "publish", { id: name.slice("line/".length), text }]]);

/** A frame that subscribes to topics; all are confirmed by name of their number. */
export const subscribe = (names: readonly string[]): string =>
  JSON.stringify(names.map((name, i) => ["sub", i + 1, name]));

/** The dialects by name. */
export const dialects: Readonly<Record<string, Dialect>> = {
  trunkline,
  topics,
  plain,
  "socket.io": socketIo,
};

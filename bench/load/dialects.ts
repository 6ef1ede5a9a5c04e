/**
 * The dialects of each kind of server: the texts to send after the handshake, the text of a ready connection, and the
 * form of a chat message.
 *
 * @module
 */

/** The form of incoming messages. If all have the same size, the size of a frame tells how many it contains. */
export interface Heard {
  /** One message, without the bytes that a frame has around its messages. */
  message(text: string): string;
  /** How many bytes a frame has around its messages. */
  readonly around: number;
  /** How many bytes are between two messages; `undefined` if each message has its own frame. */
  readonly between?: number;
  /** Whether each message also has a number, from 1 on. `message` writes a number with one digit. */
  readonly numbered?: boolean;
}

/** A dialect. */
export interface Dialect {
  /** The path of the endpoint. */
  readonly path: string;
  /** The subprotocol to offer, if any. */
  readonly subprotocol?: string;
  /** The texts to send on connecting, and after each text that the connection waits for. */
  readonly opening: readonly { readonly waitFor?: string; readonly say?: string }[];
  /** One chat message to all members of the room. */
  message(text: string): string;
  /** The form in which the server sends it. */
  readonly heard: Heard;
  /** A request. The server answers it with one message that has the same marker. */
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

/** A server that sends every text to all clients, but a text that starts with "?" only back to its sender. */
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

/** Trunkline, up to the welcome. */
const welcomed: Dialect = {
  ...trunkline,
  opening: [{ say: '[["hello",{"role":"member"}]]' }, { waitFor: '"welcome"' }],
};

/** Trunkline's topics: a client joins nothing, and messages come from `line/ID`. */
const topics: Dialect = {
  ...welcomed,
  message: (text) => publish(topic(0), text),
  heard: { message: (text) => JSON.stringify(["pub", topic(0), { text }]), around: 2, between: 1 },
};

/** Trunkline, up to the answer to a subscribe that the hello asks for. */
const subscribed: Dialect = {
  ...trunkline,
  opening: [{ say: '[["hello",{"role":"member","topics":[[1,"line/000000"]]}]]' }, { waitFor: '["res",1' }],
};

/** The name of a topic; all have the same length. */
export const topic = (id: number): string => `line/${String(id).padStart(6, "0")}`;

/** A signal on which the server publishes to a topic. */
export const publish = (name: string, text: string): string =>
  JSON.stringify([["sig", "publish", { id: name.slice("line/".length), text }]]);

/** A frame that subscribes to topics. The server confirms each by its number. */
export const subscribe = (names: readonly string[]): string =>
  JSON.stringify(names.map((name, i) => ["sub", i + 1, name]));

/** The dialects by name. */
export const dialects: Readonly<Record<string, Dialect>> = {
  trunkline,
  topics,
  welcomed,
  subscribed,
  plain,
  "socket.io": socketIo,
};

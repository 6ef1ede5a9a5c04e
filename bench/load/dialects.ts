/**
 * The dialects of each kind of server: the texts to send after the handshake, the text of a ready connection, and the
 * form of a chat message.
 *
 * @module
 */

import { encode } from "@msgpack/msgpack";

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

/** What a frame contains: text or bytes. */
export type Content = string | Uint8Array;

/** A dialect. */
export interface Dialect {
  /** The path of the endpoint. */
  readonly path: string;
  /** The subprotocol to offer, if any. */
  readonly subprotocol?: string;
  /** The texts to send on connecting, and after each text that the connection waits for. */
  readonly opening: readonly { readonly waitFor?: string; readonly say?: Content }[];
  /** One chat message to all members of the room. */
  message(text: string): Content;
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

/** A server that sends the texts of a turn to all clients in one frame. */
const joined: Dialect = {
  ...plain,
  heard: { ...plain.heard, around: 2, between: 1 },
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

/** A message for programs that carry payloads as they are: the payload that Trunkline's messages have. */
const payload = (text: string): string => JSON.stringify({ text });

const noRequests = (): never => {
  throw new Error("This server answers no requests");
};

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** NATS over WebSocket. Its frames are bytes. A frame has all messages that wait at that moment. */
const nats: Dialect = {
  path: "/",
  opening: [
    {
      waitFor: "INFO ",
      say: bytes(
        'CONNECT {"verbose":false,"pedantic":false,"headers":false,"protocol":1,"lang":"bench","version":"1"}\r\n' +
          "SUB bench 1\r\nPING\r\n",
      ),
    },
    { waitFor: "PONG" },
  ],
  message: (text) => bytes(`PUB bench ${payload(text).length}\r\n${payload(text)}\r\n`),
  heard: {
    message: (text) => `MSG bench 1 ${payload(text).length}\r\n${payload(text)}\r\n`,
    around: 0,
    between: 0,
  },
  request: noRequests,
};

/** A short packet of MQTT. */
const packet = (first: number, content: string): string =>
  String.fromCharCode(first, content.length) + content;

/** A text of MQTT: its length, and its characters. */
const mqttText = (text: string): string => String.fromCharCode(0, text.length) + text;

/** Bytes whose codes are the characters of a text. */
const latin1 = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));

const mqttMessage = (text: string): string => packet(0x30, mqttText("bench") + payload(text));

/** MQTT 3.1.1 over WebSocket, QoS 0. */
const mqtt: Dialect = {
  path: "/mqtt",
  subprotocol: "mqtt",
  opening: [
    { say: latin1(packet(0x10, `${mqttText("MQTT")}\x04\x02\0\0${mqttText("")}`)) }, // clean, never idle, without a name
    { waitFor: "\x20\x02\0\0", say: latin1(packet(0x82, `\0\x01${mqttText("bench")}\0`)) },
    { waitFor: "\x03\0\x01\0" },
  ],
  message: (text) => latin1(mqttMessage(text)),
  heard: { message: mqttMessage, around: 0, between: 0 },
  request: noRequests,
};

/** nchan: what a client sends goes to all subscribers of the channel, in its own frame each. */
const nchan: Dialect = {
  path: "/",
  opening: [],
  message: payload,
  heard: { message: payload, around: 0 },
  request: noRequests,
};

/** Trunkline's wire protocol, MessagePack codec. */
const msgpack: Dialect = {
  ...trunkline,
  subprotocol: "trunkline.v1.msgpack",
  opening: [
    { say: encode([["hello", { role: "member" }]]) },
    { waitFor: "welcome", say: encode([["req", 1, "join", { room: "bench" }]]) },
    { waitFor: "res" },
  ],
  message: (text) => encode([["sig", "say", { room: "bench", text }]]),
  heard: {
    message: (text) => "-".repeat(encode(["ev", "message", { text }]).length),
    around: 3, // a list of 16 messages or more; shorter lists are read
    between: 0,
  },
};

/** Trunkline, with requests in place of signals: each client gets its answers between the messages of all. */
const answered: Dialect = {
  ...trunkline,
  message: (text) => JSON.stringify([["req", Number(text.slice(1, 8)) + 2, "tell", { room: "bench", text }]]),
  heard: { message: () => "", around: 0 }, // with answers between them, sizes tell nothing, so the texts are read
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
  answered,
  msgpack,
  plain,
  joined,
  nats,
  mqtt,
  nchan,
  "socket.io": socketIo,
};

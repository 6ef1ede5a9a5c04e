/**
 * The frames between a node and the relay in the primary process: lists, sent as JSON. The application may use the same
 * pipe. Frames begin with a mark; messages without it are ignored.
 *
 * | from a node | |
 * |---|---|
 * | `hello`, prefix, node id | begins a session |
 * | `sub` number channels, `unsub` channels | `sub` gets an answer, `unsub` does not |
 * | `pub` entries bytes | publishes; the relay acknowledges `bytes` above 0 with `took` |
 * | `count` number channel, `ping` number | each gets an answer |
 * | `took` bytes | the node has read this many bytes |
 * | `bye` | ends the session |
 *
 * | from the relay | |
 * |---|---|
 * | `ready` | a relay is there, for every session |
 * | `welcome` | the session has begun |
 * | `done` number value | an answer |
 * | `msg` entries bytes, `took` bytes | as above |
 * | `gone` node id | the process of this node has ended |
 * | `end` reason | the session is over |
 *
 * @module
 */

/** The mark of this format; the digit is its version. */
export const MARK = "trunkline.ipc.1";

/** Channel, message, channel, message, and so on. */
export type Entries = readonly string[];

/** A frame of a node, without its session. */
export type NodeFrame =
  | readonly [kind: "hello", prefix: string, nodeId: string]
  | readonly [kind: "sub", id: number, channels: readonly string[]]
  | readonly [kind: "unsub", channels: readonly string[]]
  | readonly [kind: "pub", entries: Entries, bytes: number]
  | readonly [kind: "count", id: number, channel: string]
  | readonly [kind: "ping", id: number]
  | readonly [kind: "took", bytes: number]
  | readonly [kind: "bye"];

/** A frame of the relay, without its session. */
export type RelayFrame =
  | readonly [kind: "ready"]
  | readonly [kind: "welcome"]
  | readonly [kind: "done", id: number, value: number]
  | readonly [kind: "msg", entries: Entries, bytes: number]
  | readonly [kind: "took", bytes: number]
  | readonly [kind: "gone", nodeId: string]
  | readonly [kind: "end", reason: string];

/** A checked frame and its session. */
export interface Addressed<F> {
  /** The session. */
  readonly session: string;
  /** The frame. */
  readonly frame: F;
}

type Part = (value: unknown) => boolean;

const text: Part = (value) => typeof value === "string";
const count: Part = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const texts: Part = (value) => Array.isArray(value) && value.every(text);
const entries: Part = (value) => texts(value) && (value as unknown[]).length % 2 === 0;

const NODE: Readonly<Record<NodeFrame[0], readonly Part[]>> = {
  hello: [text, text],
  sub: [count, texts],
  unsub: [texts],
  pub: [entries, count],
  count: [count, text],
  ping: [count],
  took: [count],
  bye: [],
};

const RELAY: Readonly<Record<RelayFrame[0], readonly Part[]>> = {
  ready: [],
  welcome: [],
  done: [count, count],
  msg: [entries, count],
  took: [count],
  gone: [text],
  end: [text],
};

/**
 * Checks a value that came over a pipe from a node.
 *
 * @param value The value.
 * @returns The frame; `"foreign"` for a message of the application, `"malformed"` for a wrong frame.
 */
export function readNodeFrame(value: unknown): Addressed<NodeFrame> | "foreign" | "malformed" {
  return read(value, NODE);
}

/**
 * Checks a value that came over a pipe from the relay.
 *
 * @param value The value.
 * @returns As {@linkcode readNodeFrame}.
 */
export function readRelayFrame(value: unknown): Addressed<RelayFrame> | "foreign" | "malformed" {
  return read(value, RELAY);
}

function read<F extends NodeFrame | RelayFrame>(
  value: unknown,
  kinds: Readonly<Record<F[0], readonly Part[]>>,
): Addressed<F> | "foreign" | "malformed" {
  if (!Array.isArray(value) || value[0] !== MARK) return "foreign";
  const [, session, kind, ...rest] = value;
  if (typeof session !== "string" || typeof kind !== "string" || !Object.hasOwn(kinds, kind)) {
    return "malformed";
  }
  const parts = kinds[kind as F[0]];
  if (rest.length !== parts.length || !parts.every((fits, i) => fits(rest[i]))) return "malformed";
  return { session, frame: [kind, ...rest] as unknown as F };
}

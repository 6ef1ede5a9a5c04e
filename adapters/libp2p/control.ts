/**
 * The control messages that two nodes send to each other, beside the messages of the hub. There is one stream for each
 * direction. It holds JSON texts. Before each text stands its length in 4 bytes, highest byte first.
 *
 * @module
 */

import type { Stream } from "@libp2p/interface";

/** Positions of a node in the topics of a peer: the number of the next frame of each topic. */
export type Positions = Readonly<Record<string, number>>;

/** A control message. */
export type ControlMessage =
  /** The first message of a node: its id, its addresses, and the topics that it subscribes to. Answered like `ask`. */
  | {
    readonly type: "hello";
    readonly node: string;
    readonly session: string;
    readonly addresses: readonly string[];
    readonly topics: readonly string[];
  }
  /** Asks the peer to answer when it sees that the sender subscribes to these topics. */
  | { readonly type: "ask"; readonly id: number; readonly topics: readonly string[] }
  /** The answer to `ask`. The answer to `hello` has number 0. */
  | { readonly type: "seen"; readonly id: number; readonly positions: Positions }
  /** Asks whether the peer is there, and tells the positions of the sender in the peer's topics. */
  | { readonly type: "ping"; readonly id: number; readonly positions: Positions }
  | { readonly type: "pong"; readonly id: number }
  /** The highest number of a frame that the sender has received from the peer. */
  | { readonly type: "ack"; readonly count: number }
  /** Asks the peer to send an `ack` now. */
  | { readonly type: "owe" }
  /** Asks whether the peer subscribes to this channel. */
  | { readonly type: "count"; readonly id: number; readonly name: string }
  | { readonly type: "counted"; readonly id: number; readonly listens: boolean }
  /** Addresses of other nodes. */
  | { readonly type: "peers"; readonly addresses: readonly string[] }
  /** Sent to a relay: the sender is a node of this application, and has these addresses. */
  | { readonly type: "join"; readonly application: string; readonly addresses: readonly string[] }
  /** The sender leaves for good. */
  | { readonly type: "bye" };

/** The largest control message: enough for some thousand addresses. */
const MAX_BYTES = 512 * 1024;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/**
 * Sends a control message to a peer. If the stream closes first, the message is lost with it.
 *
 * @param stream The stream to send on.
 * @param message The message.
 */
export function tell(stream: Stream, message: ControlMessage): void {
  if (stream.status !== "open") return;
  const text = encoder.encode(JSON.stringify(message));
  const bytes = new Uint8Array(4 + text.length);
  new DataView(bytes.buffer).setUint32(0, text.length);
  bytes.set(text, 4);
  try {
    stream.send(bytes);
  } catch {
    // The stream closed in between. The code that reads the stream handles that.
  }
}

/**
 * Reads the control messages of a peer.
 *
 * @param stream The stream to read.
 * @param take Takes a message. Returns whether to go on.
 * @returns Resolves when the stream ends. Rejects when the stream breaks, or holds anything but control messages.
 */
export async function hear(stream: Stream, take: (message: ControlMessage) => boolean): Promise<void> {
  let rest = new Uint8Array();
  for await (const chunk of stream) {
    const joined = new Uint8Array(rest.length + chunk.byteLength);
    joined.set(rest);
    joined.set(chunk.subarray(), rest.length);
    rest = joined;
    while (rest.length >= 4) {
      const length = new DataView(rest.buffer, rest.byteOffset).getUint32(0);
      if (length > MAX_BYTES) throw new Error(`it sent a control message of ${length} bytes`);
      if (rest.length < 4 + length) break;
      const message = readControl(rest.subarray(4, 4 + length));
      rest = rest.subarray(4 + length);
      if (message && !take(message)) return;
    }
  }
}

/** Reads a control message. Ignores unknown types, which a later version may send. */
function readControl(bytes: Uint8Array): ControlMessage | undefined {
  let message: unknown;
  try {
    message = JSON.parse(decoder.decode(bytes));
  } catch {
    // The check below throws.
  }
  const type = (message as { type?: unknown } | null | undefined)?.type;
  if (typeof type !== "string") throw new Error("it sent a control message without a type");
  const fields = FIELDS.get(type);
  if (!fields) return undefined;
  const given = message as Readonly<Record<string, unknown>>;
  if (!Object.entries(fields).every(([name, fits]) => fits(given[name]))) {
    throw new Error(`it sent a control message "${type}" that is malformed`);
  }
  return message as ControlMessage;
}

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === "string";
const isName: Check = (value) => typeof value === "string" && value !== "" && value.length <= 1024;
const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const isTexts: Check = (value) => Array.isArray(value) && value.length <= 4096 && value.every(isName);
const isPositions: Check = (value) =>
  typeof value === "object" && value !== null && !Array.isArray(value) &&
  Object.entries(value).length <= 4096 && Object.values(value).every(isCount);

const FIELDS: ReadonlyMap<string, Readonly<Record<string, Check>>> = new Map(
  Object.entries<Readonly<Record<string, Check>>>({
    hello: { node: isName, session: isSession, addresses: isTexts, topics: isTexts },
    ask: { id: isCount, topics: isTexts },
    seen: { id: isCount, positions: isPositions },
    ping: { id: isCount, positions: isPositions },
    pong: { id: isCount },
    ack: { count: isCount },
    owe: {},
    count: { id: isCount, name: isText },
    counted: { id: isCount, listens: (value) => typeof value === "boolean" },
    peers: { addresses: isTexts },
    join: { application: isName, addresses: isTexts },
    bye: {},
  }),
);

function isSession(value: unknown): boolean {
  return typeof value === "string" && /^[0-9a-f]{16}$/.test(value);
}

/**
 * What two nodes tell each other beside their messages, over a stream for each direction: JSON texts, each after its length in
 * 4 bytes, the highest first.
 *
 * @module
 */

import type { Stream } from "@libp2p/interface";

/** How far a node is with the topics of a peer: the number of the next frame of each. */
export type Positions = Readonly<Record<string, number>>;

/** What is told. */
export type ControlMessage =
  /** The first word of a node: who it is, how it can be reached, and what it subscribes to; answered like `ask`. */
  | {
    readonly type: "hello";
    readonly node: string;
    readonly session: string;
    readonly addresses: readonly string[];
    readonly topics: readonly string[];
  }
  /** Tell me when you see that I subscribe to these. */
  | { readonly type: "ask"; readonly id: number; readonly topics: readonly string[] }
  /** The answer; `hello` counts as number 0. */
  | { readonly type: "seen"; readonly id: number; readonly positions: Positions }
  /** Are you there? I am so far with what you subscribe to. */
  | { readonly type: "ping"; readonly id: number; readonly positions: Positions }
  | { readonly type: "pong"; readonly id: number }
  /** The highest number of a frame that I have of you. */
  | { readonly type: "ack"; readonly count: number }
  /** Tell me that number now. */
  | { readonly type: "owe" }
  /** Do you subscribe to this channel? */
  | { readonly type: "count"; readonly id: number; readonly name: string }
  | { readonly type: "counted"; readonly id: number; readonly listens: boolean }
  /** Where other nodes can be reached. */
  | { readonly type: "peers"; readonly addresses: readonly string[] }
  /** To a relay: I am a node of this application, and can be reached there. */
  | { readonly type: "join"; readonly application: string; readonly addresses: readonly string[] }
  /** I leave for good. */
  | { readonly type: "bye" };

/** The largest message: some thousand addresses. */
const MAX_BYTES = 512 * 1024;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/**
 * Tells a peer something. What can not be sent any more is lost with the stream.
 *
 * @param stream Where.
 * @param message What.
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
    // Closed in between: whoever listens to the stream hears of it.
  }
}

/**
 * Hears what a peer tells.
 *
 * @param stream Where.
 * @param take Takes it; returns whether to go on.
 * @returns Resolves when the stream ends; rejects when it breaks, or holds something else.
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

/** Reads a message; a later version may send others, which are ignored. */
function readControl(bytes: Uint8Array): ControlMessage | undefined {
  let message: unknown;
  try {
    message = JSON.parse(decoder.decode(bytes));
  } catch {
    // Said below.
  }
  const type = (message as { type?: unknown } | null | undefined)?.type;
  if (typeof type !== "string") throw new Error("it sent a control message that is none");
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

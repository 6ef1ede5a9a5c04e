/**
 * The messages that nodes send to each other over a backplane. The data on a channel is a JSON list of tuples; each
 * tuple starts with its kind. The hub drops and reports a tuple of an unknown kind or form.
 *
 * @module
 */

import {
  HubError,
  MAX_DEPTH,
  readJsonMessages,
  type WireError,
  writeJsonMessage,
} from "../../contract/mod.ts";
import { isCloseCode } from "../../contract/options/close_options.ts";

/** A request to a client on another node is nested inside the request to that node, so it is one level deeper. */
const ASKED_DEPTH = MAX_DEPTH + 1;

/** What a node tells the others about itself. */
export interface NodeCard {
  /** How often this node was declared dead and came back. Messages of an earlier incarnation are ignored. */
  readonly incarnation: number;
  /** When it started, in milliseconds since 1970 by its own clock. */
  readonly startedAt: number;
  /** How many connections it has. */
  readonly connections: number;
  /** Its rank among the nodes: 1 or more; 0 while it has no rank. */
  readonly rank: number;
  /** The highest rank that it knows. */
  readonly highest: number;
  /** The leader, as this node sees it. */
  readonly leader: string;
}

/** The highest rank. Nodes that come after it share it. */
export const MAX_RANK: number = 2 ** 40;

/**
 * A presence change: the number of a connection of the sender, then its user or `null`, then its state if it has one.
 * The number alone means that the connection has left.
 */
export type PresenceOp = readonly [number: string, user?: string | null, state?: unknown];

/**
 * The parts of a presence message. A text names the place of the changes after it. A number is the time of the
 * changes after it, as a difference to the time of the message.
 */
export type PresencePart = string | number | PresenceOp;

/** A connection of the sender in a place: its id, its user or `null`, when its state was set, and its state in JSON. */
export type PlacePut = readonly [id: string, user: string | null, at: number, state?: string];

/** A message between nodes. */
export type BusMessage =
  | readonly [kind: "ev", name: string, except: string | null, payload?: unknown]
  | readonly [
    kind: "evs",
    id: string,
    rooms: readonly string[],
    name: string,
    except: string | null,
    payload?: unknown,
  ]
  | readonly [kind: "pub", payload?: unknown]
  | readonly [kind: "own", run: string, number: number, payload?: unknown]
  | readonly [kind: "once", run: string, number: number, id: string, payload?: unknown]
  | readonly [kind: "fin", run: string, number: number]
  | readonly [kind: "rec", epoch: string, offset: number, payload?: unknown]
  | readonly [kind: "user", user: string, name: string, payload?: unknown]
  | readonly [kind: "to", connection: string, name: string, payload?: unknown]
  | readonly [kind: "shut", connection: string, reason: string, code?: number]
  | readonly [kind: "bus", name: string, payload?: unknown]
  | readonly [kind: "hello", card: NodeCard]
  | readonly [kind: "here", card: NodeCard, knows: readonly string[] | null]
  | readonly [kind: "beat", card: NodeCard]
  | readonly [kind: "dead", incarnation: number]
  | readonly [kind: "bye"]
  | readonly [kind: "ping", id: number]
  | readonly [kind: "pong", id: number]
  | readonly [kind: "ask", id: number, method: string, input?: unknown]
  | readonly [kind: "ans", id: number, output?: unknown]
  | readonly [kind: "part", id: number, index: number, total: number, text: string]
  | readonly [kind: "more", id: number, taken: number]
  | readonly [kind: "fail", id: number, error: WireError, own?: boolean]
  | readonly [kind: "cancel", id: number]
  | readonly [kind: "pd", from: number, count: number, at: number, ...changes: PresencePart[]]
  | readonly [
    kind: "pp",
    version: number,
    index: number,
    total: number,
    at: number,
    ...changes: PresencePart[],
  ]
  | readonly [kind: "pv", version: number]
  | readonly [kind: "pq", after: number, version: number, index: number]
  | readonly [kind: "pa", version: number, reaches: number]
  | readonly [
    kind: "in",
    epoch: string,
    number: number,
    put?: readonly PlacePut[],
    drop?: readonly string[],
  ];

/** One kind of message. */
export type BusMessageOf<K extends BusMessage[0]> = Extract<BusMessage, { readonly 0: K }>;

const isText = (value: unknown) => typeof value === "string";
const isTextOrNull = (value: unknown) => value === null || isText(value);
const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
const isRank = (value: unknown) => isCount(value) && (value as number) <= MAX_RANK;
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null; // also a HubError, which replaces a value that the reader refused
const isCard = (value: unknown) =>
  isRecord(value) && isCount(value.incarnation) && isCount(value.startedAt) && isCount(value.connections) &&
  isRank(value.rank) && isRank(value.highest) && isText(value.leader);
/** Whether the elements from `start` on are presence parts: the place is named before its changes. */
const arePresenceParts = (m: readonly unknown[], start: number) => {
  if (!Number.isSafeInteger(m[start]) || (m.length > start + 1 && !isText(m[start + 1]))) return false;
  for (let i = start + 1; i < m.length; i++) {
    const part = m[i];
    const fits = Array.isArray(part)
      ? isText(part[0]) && (part.length === 1 || (part.length <= 3 && isTextOrNull(part[1])))
      : isText(part) || Number.isSafeInteger(part);
    if (!fits) return false;
  }
  return true;
};
const isError = (value: unknown) => isRecord(value) && isText(value.code) && isText(value.message);

const isPut = (value: unknown) =>
  Array.isArray(value) && isText(value[0]) && isTextOrNull(value[1]) && Number.isSafeInteger(value[2]) &&
  (value.length === 3 || (value.length === 4 && isText(value[3])));

const CHECKS: { readonly [K in BusMessage[0]]: (m: readonly unknown[]) => boolean } = {
  ev: (m) => isText(m[1]) && isTextOrNull(m[2]),
  evs: (m) => isText(m[1]) && Array.isArray(m[2]) && m[2].every(isText) && isText(m[3]) && isTextOrNull(m[4]),
  pub: (m) => m.length <= 2,
  own: (m) => isText(m[1]) && isCount(m[2]) && m.length <= 4,
  once: (m) => isText(m[1]) && isCount(m[2]) && isText(m[3]) && m.length <= 5,
  fin: (m) => isText(m[1]) && isCount(m[2]) && m.length === 3,
  rec: (m) => isText(m[1]) && isCount(m[2]) && m.length <= 4,
  user: (m) => isText(m[1]) && isText(m[2]),
  to: (m) => isText(m[1]) && isText(m[2]),
  shut: (m) => isText(m[1]) && isText(m[2]) && (m[3] === undefined || isCloseCode(m[3])),
  bus: (m) => isText(m[1]),
  hello: (m) => isCard(m[1]),
  here: (m) => isCard(m[1]) && (m[2] === null || (Array.isArray(m[2]) && m[2].every(isText))),
  beat: (m) => isCard(m[1]),
  dead: (m) => isCount(m[1]),
  bye: (m) => m.length === 1,
  ping: (m) => isCount(m[1]),
  pong: (m) => isCount(m[1]),
  ask: (m) => isCount(m[1]) && isText(m[2]),
  ans: (m) => isCount(m[1]),
  part: (m) => isCount(m[1]) && isCount(m[2]) && isCount(m[3]) && isText(m[4]),
  more: (m) => isCount(m[1]) && isCount(m[2]),
  fail: (m) => isCount(m[1]) && isError(m[2]) && (m[3] === undefined || typeof m[3] === "boolean"),
  cancel: (m) => isCount(m[1]),
  pd: (m) =>
    isCount(m[1]) && isCount(m[2]) && isCount((m[1] as number) + (m[2] as number)) && arePresenceParts(m, 3),
  pp: (m) =>
    isCount(m[1]) && isCount(m[2]) && isCount(m[3]) && (m[2] as number) < (m[3] as number) &&
    arePresenceParts(m, 4),
  pv: (m) => isCount(m[1]),
  pa: (m) => isCount(m[1]) && isCount(m[2]),
  pq: (m) => isCount(m[1]) && isCount(m[2]) && isCount(m[3]),
  in: (m) =>
    isText(m[1]) && isCount(m[2]) &&
    (m.length === 3 ||
      (Array.isArray(m[3]) && m[3].every(isPut) && Array.isArray(m[4]) && m[4].every(isText))),
};

/**
 * Reads the data that arrived on a channel.
 *
 * @param data The data.
 * @param refuse Called for each message that this version does not know, and for each with a value that JSON messages
 * may not hold. Gets the error, and the message as far as it was read. The other messages are returned.
 * @returns The messages, in order.
 * @throws {HubError} `BAD_REQUEST` when the data is not a list. Without `refuse`, also for the first bad message.
 */
export function decodeBus(
  data: string | Uint8Array,
  refuse: (error: HubError, message: unknown) => void = (error) => {
    throw error;
  },
): readonly BusMessage[] {
  let list: unknown[];
  try {
    list = readJsonMessages(typeof data === "string" ? data : new TextDecoder().decode(data), ASKED_DEPTH);
  } catch (cause) {
    throw new HubError("BAD_REQUEST", "Cannot read the data from another node", { cause });
  }
  return list.filter((message): message is BusMessage => {
    const error = whyRefused(message);
    if (error) refuse(error, message);
    return error === undefined;
  });
}

function whyRefused(m: unknown): HubError | undefined {
  if (!Array.isArray(m) || !isBusMessage(m)) {
    return new HubError("BAD_REQUEST", "Cannot read a message from another node");
  }
  for (const element of m) if (typeof element === "object" && element instanceof HubError) return element;
  return undefined;
}

function isBusMessage(m: readonly unknown[]): boolean {
  const [kind] = m;
  if (kind === "ev") return CHECKS.ev(m); // most messages are of these two kinds
  if (kind === "pub") return CHECKS.pub(m);
  return typeof kind === "string" && Object.hasOwn(CHECKS, kind) && CHECKS[kind as BusMessage[0]](m);
}

/**
 * Writes a message.
 *
 * @param message The message.
 * @throws {HubError} `BAD_REQUEST` when a payload holds a value that JSON cannot carry.
 */
export function encodeBus(message: BusMessage): string {
  return writeJsonMessage(message, message[0] === "ask" ? ASKED_DEPTH : MAX_DEPTH);
}

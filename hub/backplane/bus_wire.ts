/**
 * What nodes say to each other over a backplane. A message on a channel is a JSON list of tuples, each of which
 * starts with its kind; whatever fits none of them is dropped and reported.
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

/** What a client is asked through another node travels there inside the question to that node. */
const ASKED_DEPTH = MAX_DEPTH + 1;

/** What a node tells of itself. */
export interface NodeCard {
  /** How often it was taken for dead and has come back: a word of an earlier incarnation counts no more. */
  readonly incarnation: number;
  /** When it started, in milliseconds since 1970 by its own clock. */
  readonly startedAt: number;
  /** How many connections it has. */
  readonly connections: number;
  /** Its rank among the nodes: 1 or more, 0 while it has none. */
  readonly rank: number;
  /** The highest rank that it knows of. */
  readonly highest: number;
  /** The node that it takes for the leader. */
  readonly leader: string;
}

/** The last rank: nodes that would be behind it share it. */
export const MAX_RANK: number = 2 ** 40;

/**
 * A change of who is where: the number of a connection of the sender, then its user or `null`, then its state if it has
 * one. The number alone: it is not there any more.
 */
export type PresenceOp = readonly [number: string, user?: string | null, state?: unknown];

/**
 * What messages of presence end with: a text is the place of the changes that follow it, a number their time, as a difference
 * to that of the message.
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
  | readonly [kind: "fail", id: number, error: WireError]
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
  typeof value === "object" && value !== null; // also the HubError in the place of what cannot be handed on
const isCard = (value: unknown) =>
  isRecord(value) && isCount(value.incarnation) && isCount(value.startedAt) && isCount(value.connections) &&
  isRank(value.rank) && isRank(value.highest) && isText(value.leader);
/** Changes of presence, from an element on: each is of a place that was named before it. */
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
  fail: (m) => isCount(m[1]) && isError(m[2]),
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
 * Reads what arrived on a channel.
 *
 * @param data The data.
 * @param refuse Told of each message of the list that is none, as one of a newer version may be, and of each that cannot
 * be handed on; the others are good. Given the message as far as it was read.
 * @returns The messages, in order.
 * @throws {HubError} `BAD_REQUEST` when the data is no list at all, and by default for the first that is no message.
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
    throw new HubError("BAD_REQUEST", "Cannot read what arrived from another node", { cause });
  }
  return list.filter((message): message is BusMessage => {
    const error = whyRefused(message);
    if (error) refuse(error, message);
    return error === undefined;
  });
}

function whyRefused(m: unknown): HubError | undefined {
  const isMessage = Array.isArray(m) && typeof m[0] === "string" && Object.hasOwn(CHECKS, m[0]) &&
    CHECKS[m[0] as BusMessage[0]](m);
  if (!isMessage) return new HubError("BAD_REQUEST", "Cannot read a message of another node");
  for (const element of m) if (typeof element === "object" && element instanceof HubError) return element;
  return undefined;
}

/**
 * Writes a message.
 *
 * @param message The message.
 * @throws {HubError} `BAD_REQUEST` when a payload holds what cannot travel.
 */
export function encodeBus(message: BusMessage): string {
  return writeJsonMessage(message, message[0] === "ask" ? ASKED_DEPTH : MAX_DEPTH);
}

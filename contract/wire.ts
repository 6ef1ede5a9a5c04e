/**
 * The messages of the wire, version 1. A frame carries a list of them; each is a tuple that starts with its kind.
 * `docs/protocol.md` tells what they mean.
 *
 * @module
 */

import { HubError, type WireError } from "./errors.ts";

/** Where in a topic's history a subscriber is: the epoch of the history, and the offset of the last message seen. */
export type Position = readonly [epoch: string, offset: number];

/** Every server takes frames of so many bytes: whatever keeps a connection going has room in them, and a hello. */
export const MIN_FRAME_BYTES = 256;

/** What a client says first. */
export interface Hello {
  /** The role it wants. */
  readonly role: string;
  /** Its credential, if it does not travel in headers or cookies. */
  readonly token?: string;
}

/** What the server says first. */
export interface Welcome {
  /** The id of this connection, unique in the cluster. */
  readonly connection: string;
  /** The id of the node that serves it. */
  readonly node: string;
  /** The server sends something at least this often, in milliseconds. */
  readonly heartbeatMs: number;
  /** The largest frame that the server takes, in bytes. */
  readonly maxFrameBytes: number;
}

/** What a client asks for when it subscribes. Later versions may add properties. */
export interface SubOptions {
  /** The last message that the client has, in a topic with history: it wants everything after it. */
  readonly since?: Position;
}

/** The answer to a subscribe, where the topic keeps history. */
export interface Subscribed {
  /** Where the stream stands: messages after this follow as `rec`. */
  readonly position: Position;
  /** Whether everything after the position that was asked for follows, or has been sent before this answer. */
  readonly recovered: boolean;
}

/** Either side may ask, answer and take back a question, and ask for a sign of life. */
export type CallMessage =
  | readonly [kind: "req", id: number, name: string, input?: unknown]
  | readonly [kind: "res", id: number, output?: unknown]
  | readonly [kind: "err", id: number, error: WireError]
  | readonly [kind: "cancel", id: number]
  | readonly [kind: "ping"]
  | readonly [kind: "pong"];

/** What a client sends. */
export type ClientMessage =
  | CallMessage
  | readonly [kind: "hello", hello: Hello]
  | readonly [kind: "sig", name: string, payload?: unknown]
  | readonly [kind: "sub", id: number, topic: string, options?: SubOptions]
  | readonly [kind: "unsub", topic: string];

/** What a server sends. */
export type ServerMessage =
  | CallMessage
  | readonly [kind: "welcome", welcome: Welcome]
  | readonly [kind: "fault", error: WireError, about?: string]
  | readonly [kind: "ev", name: string, payload?: unknown]
  | readonly [kind: "pub", topic: string, payload?: unknown]
  | readonly [kind: "rec", topic: string, offset: number, payload?: unknown]
  | readonly [kind: "gap", topic: string, position: Position]
  | readonly [kind: "end", topic: string, error: WireError]
  | readonly [kind: "move", withinMs: number];

/** A message of the right form that holds what cannot be handed on. Only this message fails, never the link. */
export class UnreadableMessage {
  /** The message without the payload, or the error, that cannot be handed on: kind, and id or name. */
  readonly head: readonly unknown[];
  /** What is wrong with it. */
  readonly error: HubError;

  /**
   * Keeps what could be read of a message.
   *
   * @param head The message without what cannot be handed on.
   * @param error What is wrong with that.
   */
  constructor(head: readonly unknown[], error: HubError) {
    this.head = head;
    this.error = error;
  }
}

type Check = (value: unknown) => boolean;

// What cannot be handed on is a `HubError` in a decoded message: only a payload or an error may be that.
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof HubError);
const isText: Check = (value) => typeof value === "string";
const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const isId: Check = (value) => isCount(value) && value !== 0;
const isPayload: Check = () => true; // it may be absent

// Whatever has properties may have more: a later version adds them.
const isError: Check = (value) => isRecord(value) && isText(value.code) && isText(value.message);
const isErrorOrWhy: Check = (value) => value instanceof HubError || isError(value);
const isPosition: Check = (value) =>
  Array.isArray(value) && value.length === 2 && isText(value[0]) && isCount(value[1]);
const isTextOrAbsent: Check = (value) => value === undefined || isText(value);
const isSubOptions: Check = (value) =>
  value === undefined || isRecord(value) && (value.since === undefined || isPosition(value.since));
const isHello: Check = (value) => isRecord(value) && isText(value.role) && isTextOrAbsent(value.token);
const isWelcome: Check = (value) =>
  isRecord(value) && isText(value.connection) && isText(value.node) && isCount(value.heartbeatMs) &&
  isCount(value.maxFrameBytes) && (value.maxFrameBytes as number) >= MIN_FRAME_BYTES;

/** What each kind of message has after its kind. */
type Kinds = ReadonlyMap<unknown, readonly Check[]>;

const CALL: Readonly<Record<string, readonly Check[]>> = {
  req: [isId, isText, isPayload],
  res: [isId, isPayload],
  err: [isId, isErrorOrWhy],
  cancel: [isId],
  ping: [],
  pong: [],
};

const kinds = (more: typeof CALL): Kinds => new Map(Object.entries({ ...CALL, ...more }));

const FROM_CLIENT: Kinds = /* @__PURE__ */ kinds({
  sig: [isText, isPayload],
  sub: [isId, isText, isSubOptions],
  unsub: [isText],
  hello: [isHello],
});

const FROM_SERVER: Kinds = /* @__PURE__ */ kinds({
  ev: [isText, isPayload],
  pub: [isText, isPayload],
  rec: [isText, isCount, isPayload],
  gap: [isText, isPosition],
  end: [isText, isErrorOrWhy],
  fault: [isErrorOrWhy, isTextOrAbsent],
  move: [isCount],
  welcome: [isWelcome],
});

function isOf(kinds: Kinds, message: readonly unknown[]): boolean {
  const checks = kinds.get(message[0]);
  if (!checks || message.length > checks.length + 1) return false;
  for (let i = 0; i < checks.length; i++) if (!checks[i]!(message[i + 1])) return false;
  return true;
}

function read(message: unknown, kinds: Kinds): unknown {
  if (!Array.isArray(message) || !isOf(kinds, message)) {
    const kind = Array.isArray(message) && isText(message[0]) ? ` "${message[0].slice(0, 16)}"` : "";
    throw new HubError("BAD_REQUEST", `Cannot read the message${kind}: it is not of the protocol`);
  }
  for (let i = 1; i < message.length; i++) {
    const element: unknown = message[i];
    if (element instanceof HubError) {
      return new UnreadableMessage(message.filter((e) => e !== element), element);
    }
  }
  return message;
}

/**
 * Checks that a decoded value is a message that a client may send.
 *
 * @param value What a codec decoded.
 * @returns The message, or why its payload cannot be handed on.
 * @throws {HubError} `BAD_REQUEST` when it is none.
 */
export function asClientMessage(value: unknown): ClientMessage | UnreadableMessage {
  return read(value, FROM_CLIENT) as ClientMessage | UnreadableMessage;
}

/**
 * Checks that a decoded value is a message that a server may send.
 *
 * @param value What a codec decoded.
 * @returns The message, or why its payload cannot be handed on.
 * @throws {HubError} `BAD_REQUEST` when it is none.
 */
export function asServerMessage(value: unknown): ServerMessage | UnreadableMessage {
  return read(value, FROM_SERVER) as ServerMessage | UnreadableMessage;
}

/**
 * Checks the answer to a subscribe to a topic with history.
 *
 * @param value What came as the answer's output.
 * @returns The answer, or `undefined` where the topic keeps none.
 */
export function asSubscribed(value: unknown): Subscribed | undefined {
  const isSubscribed = isRecord(value) && isPosition(value.position) && typeof value.recovered === "boolean";
  return isSubscribed ? value as unknown as Subscribed : undefined;
}

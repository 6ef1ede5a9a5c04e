/**
 * The messages of the wire, version 1. A frame carries a list of them; each is a tuple that starts with its kind.
 * `docs/protocol.md` explains them.
 *
 * @module
 */

import { HubError, type WireError } from "./errors.ts";
import type { PresenceBy } from "./presence.ts";
import { isCount, isError, isId, isRecord, isText, isTextOrAbsent } from "./wire/checks.ts";
import {
  type HistoryAsk,
  isHistoryAsk,
  isPosition,
  isSubOptions,
  isTopicMarks,
  type Position,
  type SubOptions,
  type TopicMark,
} from "./wire/history_wire.ts";
import { isRoomState, type RoomMark, type RoomState, saysRooms } from "./wire/room_wire.ts";
import { isFromWatcher, type MembersQuery, type WatchOptions, type WhoChange } from "./wire/presence_wire.ts";

/**
 * Every server accepts frames of this size in bytes. All messages that keep a connection alive fit in it, and so does
 * a hello.
 */
export const MIN_FRAME_BYTES = 256;

/** The first message of a client. */
export interface Hello {
  /** The role that the client asks for. */
  readonly role: string;
  /** The client's token, if it does not travel in headers or cookies. */
  readonly token?: string;
  /**
   * The rooms with history that the client was in, and the last position it saw in each. Present if the client takes
   * `rev` and `room`.
   */
  readonly rooms?: readonly RoomMark[];
  /**
   * The topics to subscribe to right after the welcome, as if a `sub` came then. A server that does this sets
   * `topics` in the welcome.
   */
  readonly topics?: readonly TopicMark[];
  /**
   * All rooms that the client was in, the last joined first. Present if it takes `in` and `out`. The server must not
   * trust it.
   */
  readonly joined?: readonly string[];
  /**
   * The ids of the client's earlier connections, the latest last. Used for `except`: a message that excluded them
   * also excludes this one.
   */
  readonly earlier?: readonly string[];
}

/** The first message of a server. */
export interface Welcome {
  /** The id of this connection, unique in the cluster. */
  readonly connection: string;
  /** The id of the node that serves it. */
  readonly node: string;
  /** The server sends something at least this often. In milliseconds. */
  readonly heartbeatMs: number;
  /** The largest frame that the server accepts, in bytes. */
  readonly maxFrameBytes: number;
  /** Whether clients may read histories: the server takes `hist`. */
  readonly history?: boolean;
  /** Whether the server reports presence: it takes `watch`, `unwatch`, `state` and `members`. */
  readonly presence?: boolean;
  /**
   * The name of the memory of done requests: nodes with the same name share it. Present if the server takes `once`. A
   * request without an answer may be sent again with the same key to a server that gives the same name.
   */
  readonly once?: string;
  /**
   * Whether the server subscribes to the topics of the hello, so that no `sub` is needed. Present if the hello named
   * topics.
   */
  readonly topics?: boolean;
  /** Whether there are rooms with history: the server sends `rev` and `room` for them. */
  readonly rooms?: boolean;
  /** Whether the server puts clients back into rooms: it sends `in` and `out`. */
  readonly rejoin?: boolean;
}

/** Messages of both sides: requests, answers, cancelled requests, and heartbeats. */
export type CallMessage =
  | readonly [kind: "req", id: number, name: string, input?: unknown]
  | readonly [kind: "res", id: number, output?: unknown]
  | readonly [kind: "err", id: number, error: WireError]
  | readonly [kind: "cancel", id: number]
  | readonly [kind: "ping"]
  | readonly [kind: "pong"];

/** The messages that a client sends. */
export type ClientMessage =
  | CallMessage
  | readonly [kind: "hello", hello: Hello]
  | readonly [kind: "once", id: number, name: string, key: string, input?: unknown]
  | readonly [kind: "sig", name: string, payload?: unknown]
  | readonly [kind: "sub", id: number, topic: string, options?: SubOptions]
  | readonly [kind: "unsub", topic: string]
  | readonly [kind: "hist", id: number, topic: string, options?: HistoryAsk]
  | readonly [kind: "watch", id: number, place: string, options?: WatchOptions]
  | readonly [kind: "unwatch", place: string, by: PresenceBy]
  | readonly [kind: "state", id: number, place: string, state?: unknown]
  | readonly [kind: "members", id: number, place: string, options?: MembersQuery];

/** The messages that a server sends. */
export type ServerMessage =
  | CallMessage
  | readonly [kind: "welcome", welcome: Welcome]
  | readonly [kind: "fault", error: WireError, about?: string]
  | readonly [kind: "ev", name: string, payload?: unknown]
  | readonly [kind: "rev", room: string, offset: number, name?: string, payload?: unknown]
  | readonly [kind: "room", room: string, state?: RoomState]
  | readonly [kind: "in", room: string]
  | readonly [kind: "out", room: string, error?: WireError]
  | readonly [kind: "pub", topic: string, payload?: unknown]
  | readonly [kind: "rec", topic: string, offset: number, payload?: unknown]
  | readonly [kind: "from", id: number, position: Position]
  | readonly [kind: "gap", topic: string, position: Position]
  | readonly [kind: "end", topic: string, error: WireError]
  | readonly [kind: "who", place: string, by: PresenceBy, change: WhoChange]
  | readonly [kind: "move", withinMs: number];

/** A message of the right form with a value that cannot be read. Only this message fails, never the link. */
export class UnreadableMessage {
  /** The message without the payload, or the error, that cannot be read: kind, and id or name. */
  readonly head: readonly unknown[];
  /** What is wrong with it. */
  readonly error: HubError;

  /**
   * Keeps the readable part of a message.
   *
   * @param head The message without the element that cannot be read.
   * @param error What is wrong with that element.
   */
  constructor(head: readonly unknown[], error: HubError) {
    this.head = head;
    this.error = error;
  }
}

const isHello = (value: unknown): boolean =>
  isRecord(value) && isText(value.role) && isTextOrAbsent(value.token) && saysRooms(value) &&
  isTopicMarks(value.topics);
const isWelcome = (value: unknown): boolean =>
  isRecord(value) && isText(value.connection) && isText(value.node) && isCount(value.heartbeatMs) &&
  isCount(value.maxFrameBytes) && (value.maxFrameBytes as number) >= MIN_FRAME_BYTES;

type Check = (message: readonly unknown[]) => boolean;

// Elements that may be absent are at the end of a message. A `switch` costs half of a table, and every message passes
// here.

const isCall: Check = (m) => {
  switch (m[0]) {
    case "req":
      return m.length <= 4 && isId(m[1]) && isText(m[2]);
    case "res":
      return m.length <= 3 && isId(m[1]);
    case "err":
      return m.length <= 3 && isId(m[1]) && isError(m[2]);
    case "cancel":
      return m.length <= 2 && isId(m[1]);
    case "ping":
    case "pong":
      return m.length <= 1;
    default:
      return false;
  }
};

const isFromClient: Check = (m) => {
  switch (m[0]) {
    case "sig":
      return m.length <= 3 && isText(m[1]);
    case "sub":
      return m.length <= 4 && isId(m[1]) && isText(m[2]) && isSubOptions(m[3]);
    case "hist":
      return m.length <= 4 && isId(m[1]) && isText(m[2]) && isHistoryAsk(m[3]);
    case "once":
      return m.length <= 5 && isId(m[1]) && isText(m[2]) && isText(m[3]);
    case "unsub":
      return m.length <= 2 && isText(m[1]);
    case "hello":
      return m.length <= 2 && isHello(m[1]);
    default:
      return isCall(m) || isFromWatcher(m);
  }
};

const isFromServer: Check = (m) => {
  switch (m[0]) {
    case "ev":
    case "pub":
      return m.length <= 3 && isText(m[1]);
    case "rec":
      return m.length <= 4 && isText(m[1]) && isCount(m[2]);
    case "rev":
      return m.length <= 5 && isText(m[1]) && isCount(m[2]) && isTextOrAbsent(m[3]);
    case "room":
      return m.length <= 3 && isText(m[1]) && isRoomState(m[2]);
    case "in":
      return m.length <= 2 && isText(m[1]);
    case "out":
      return m.length <= 3 && isText(m[1]) && (m[2] === undefined || isError(m[2]));
    case "who": // its reader checks the change: most clients do not use presence
      return m.length <= 4 && isText(m[1]) && isText(m[2]);
    case "gap":
      return m.length <= 3 && isText(m[1]) && isPosition(m[2]);
    case "from":
      return m.length <= 3 && isId(m[1]) && isPosition(m[2]);
    case "end":
      return m.length <= 3 && isText(m[1]) && isError(m[2]);
    case "fault":
      return m.length <= 3 && isError(m[1]) && isTextOrAbsent(m[2]);
    case "move":
      return m.length <= 2 && isCount(m[1]);
    case "welcome":
      return m.length <= 2 && isWelcome(m[1]);
    default:
      return isCall(m);
  }
};

function read(message: unknown, isMessage: Check): unknown {
  if (!Array.isArray(message) || !isMessage(message)) {
    const kind = Array.isArray(message) && isText(message[0]) ? ` "${message[0].slice(0, 16)}"` : "";
    throw new HubError("BAD_REQUEST", `Cannot read the message${kind}: it is not of the protocol`);
  }
  for (let i = 1; i < message.length; i++) {
    const element: unknown = message[i];
    if (typeof element === "object" && element instanceof HubError) {
      return new UnreadableMessage(message.filter((e) => e !== element), element);
    }
  }
  return message;
}

/**
 * Checks that a decoded value is a message that a client may send.
 *
 * @param value A value that a codec decoded.
 * @returns The message, or an {@linkcode UnreadableMessage} that says why its payload cannot be read.
 * @throws {HubError} `BAD_REQUEST` when it is not such a message.
 */
export function asClientMessage(value: unknown): ClientMessage | UnreadableMessage {
  return read(value, isFromClient) as ClientMessage | UnreadableMessage;
}

/**
 * Checks that a decoded value is a message that a server may send.
 *
 * @param value A value that a codec decoded.
 * @returns The message, or an {@linkcode UnreadableMessage} that says why its payload cannot be read.
 * @throws {HubError} `BAD_REQUEST` when it is not such a message.
 */
export function asServerMessage(value: unknown): ServerMessage | UnreadableMessage {
  return read(value, isFromServer) as ServerMessage | UnreadableMessage;
}

/**
 * The messages of the wire, version 1. A frame carries a list of them; each is a tuple that starts with its kind.
 * `docs/protocol.md` tells what they mean.
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

/** Every server takes frames of so many bytes: whatever keeps a connection going has room in them, and a hello. */
export const MIN_FRAME_BYTES = 256;

/** What a client says first. */
export interface Hello {
  /** The role it wants. */
  readonly role: string;
  /** Its credential, if it does not travel in headers or cookies. */
  readonly token?: string;
  /** The rooms with history that it was in, and up to where it has seen them. Present where it takes `rev` and `room`. */
  readonly rooms?: readonly RoomMark[];
  /** What to subscribe to right after the welcome, as if a `sub` came then; a server that does says `topics` in the welcome. */
  readonly topics?: readonly TopicMark[];
  /**
   * All rooms that it was in, the one that it joined last first. Present where it takes `in` and `out`. It may be made up.
   */
  readonly joined?: readonly string[];
  /** The ids of its connections before this one, the latest last: what was not meant for them is not for this one. */
  readonly earlier?: readonly string[];
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
  /** Whether it lets clients read histories: it takes `hist`. */
  readonly history?: boolean;
  /** Whether it tells who is in which room or topic: it takes `watch`, `unwatch`, `state` and `members`. */
  readonly presence?: boolean;
  /**
   * What remembers which requests were done: it takes `once`. A request that got no answer may be sent again, with the
   * same key, to a server that says the same.
   */
  readonly once?: string;
  /** Whether it subscribes to what the hello has asked for: no `sub` is needed. Present where it asked for something. */
  readonly topics?: boolean;
  /** Whether there are rooms with history, of which it sends `rev` and `room`. */
  readonly rooms?: boolean;
  /** Whether it puts clients into rooms again: it sends `in` and `out`. */
  readonly rejoin?: boolean;
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
  | readonly [kind: "once", id: number, name: string, key: string, input?: unknown]
  | readonly [kind: "sig", name: string, payload?: unknown]
  | readonly [kind: "sub", id: number, topic: string, options?: SubOptions]
  | readonly [kind: "unsub", topic: string]
  | readonly [kind: "hist", id: number, topic: string, options?: HistoryAsk]
  | readonly [kind: "watch", id: number, place: string, options?: WatchOptions]
  | readonly [kind: "unwatch", place: string, by: PresenceBy]
  | readonly [kind: "state", id: number, place: string, state?: unknown]
  | readonly [kind: "members", id: number, place: string, options?: MembersQuery];

/** What a server sends. */
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

const isHello = (value: unknown): boolean =>
  isRecord(value) && isText(value.role) && isTextOrAbsent(value.token) && saysRooms(value) &&
  isTopicMarks(value.topics);
const isWelcome = (value: unknown): boolean =>
  isRecord(value) && isText(value.connection) && isText(value.node) && isCount(value.heartbeatMs) &&
  isCount(value.maxFrameBytes) && (value.maxFrameBytes as number) >= MIN_FRAME_BYTES;

type Check = (message: readonly unknown[]) => boolean;

// What may be absent ends its message. A switch costs half of what a table does: every message comes by here.

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
    case "who": // who takes it checks the change: most clients do without
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
 * @param value What a codec decoded.
 * @returns The message, or why its payload cannot be handed on.
 * @throws {HubError} `BAD_REQUEST` when it is none.
 */
export function asClientMessage(value: unknown): ClientMessage | UnreadableMessage {
  return read(value, isFromClient) as ClientMessage | UnreadableMessage;
}

/**
 * Checks that a decoded value is a message that a server may send.
 *
 * @param value What a codec decoded.
 * @returns The message, or why its payload cannot be handed on.
 * @throws {HubError} `BAD_REQUEST` when it is none.
 */
export function asServerMessage(value: unknown): ServerMessage | UnreadableMessage {
  return read(value, isFromServer) as ServerMessage | UnreadableMessage;
}

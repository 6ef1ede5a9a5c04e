/**
 * Messages in the form of the database: stored, and in notifications.
 *
 * A stored message is one letter and the message: `t` for plain text, `j` for a JSON string. Its notification is like
 * any other of the adapter, in parts if it is large. The joined parts are `TH1`, the position, `:`, and the envelope:
 *
 * @module
 */

import type { Position } from "../../../contract/mod.ts";
import { utf8Size } from "../../../contract/values/utf8_size.ts";
import type { AppendOptions } from "../../history_store.ts";
import type { Chunks } from "../../kit/chunks.ts";
import { decodeEnvelope, encodeTextEnvelope } from "../../kit/envelope.ts";
import { MAX_PAYLOAD_BYTES, nameOf, type NotifyChannels, partitionOf, payloadHead } from "../channels.ts";
import type { Row } from "../connection.ts";
import { toArray } from "../publishing.ts";

/** A message, ready to be appended. */
export interface Append {
  /** The name of the topic's channel. */
  readonly name: string;
  /** The length of the text, in UTF-16 units. */
  readonly length: number;
  readonly size: string;
  readonly ttl: string;
  readonly brief: boolean;
  readonly key: string;
  onKnown?(): void;
  readonly kind: string;
  /** The notify channel. Empty for no notification. */
  readonly channel: string;
  /** The heads of the payloads. */
  readonly heads: readonly string[];
  /** The message, in one piece for each payload. */
  readonly pieces: readonly string[];
}

/** A stored message of another node. */
export interface Stored {
  readonly position: Position;
  readonly data: string;
  readonly from: string;
}

const MARK = "TH1";
/** The largest length of a position with its mark. */
const POSITION_BYTES = MARK.length + 32 + 1 + 19 + 1;
const MAX_SIZE = 1e15;
/** A message with a longer time to live, in milliseconds, is kept for ever. This is some thousand years. */
const MAX_TTL_MS = 1e14;

/** Packs the messages of one node. */
export class Packing {
  readonly #channels: NotifyChannels;
  readonly #chunks: Chunks | undefined;
  /** The length of the node's id, and the id, as in envelopes. */
  readonly from: string;
  readonly #nodeId: string;
  #lastNumber = 0;

  /**
   * @param channels The names of the prefix.
   * @param nodeId The identity of the node.
   * @param chunks Splits large messages. Without it, there are no notifications.
   */
  constructor(channels: NotifyChannels, nodeId: string, chunks: Chunks | undefined) {
    this.#channels = channels;
    this.#chunks = chunks;
    this.from = `${nodeId.length}:${nodeId}`;
    this.#nodeId = nodeId;
  }

  /** Packs a message. */
  pack(
    channel: string,
    data: string,
    { size, ttlMs, brief = false, idempotencyKey, onKnown }: AppendOptions,
  ): Append {
    const name = nameOf(channel);
    const envelope = encodeTextEnvelope(this.#nodeId, data);
    // `TL1`, the kind, and the sender.
    const kind = envelope[3]!;
    const skip = 4 + this.from.length;
    return {
      name,
      length: envelope.length,
      size: `${Math.min(size, MAX_SIZE)}`,
      ttl: ttlMs > MAX_TTL_MS ? "" : `${ttlMs}`,
      brief,
      key: idempotencyKey === undefined ? "" : nameOf(idempotencyKey),
      onKnown,
      kind,
      ...this.#cut(name, envelope, skip),
    };
  }

  #cut(name: string, envelope: string, skip: number): Pick<Append, "channel" | "heads" | "pieces"> {
    if (!this.#chunks) return { channel: "", heads: [""], pieces: [envelope.slice(skip)] };
    const room = MAX_PAYLOAD_BYTES - utf8Size(payloadHead(Number.MAX_SAFE_INTEGER, name)) - POSITION_BYTES;
    const parts = this.#chunks.cut(envelope, room) as readonly string[];
    const heads: string[] = [];
    const pieces: string[] = [];
    parts.forEach((part, i) => {
      const mark = parts.length === 1 ? "" : part.slice(0, part.indexOf(":") + 1);
      heads.push(payloadHead(++this.#lastNumber, name) + mark);
      pieces.push(part.slice(mark.length + (i === 0 ? skip : 0)));
    });
    return { channel: this.#channels.of(partitionOf(name)), heads, pieces };
  }
}

/**
 * The parameters of `history_append_v4` for these messages.
 *
 * @param appends The messages, sorted by topic.
 */
export function parametersOf(appends: readonly Append[]): string[] {
  const column = (get: (append: Append) => string) => toArray(appends.map(get));
  return [
    column(({ name }) => name),
    column(({ size }) => size),
    column(({ ttl }) => ttl),
    column(({ key }) => key),
    column(({ kind }) => kind),
    column(({ channel }) => channel),
    column(({ pieces }) => `${pieces.length}`),
    column(({ brief }) => `${brief}`),
    toArray(appends.flatMap(({ heads }) => heads)),
    toArray(appends.flatMap(({ pieces }) => pieces)),
  ];
}

/**
 * Reads a stored message.
 *
 * @param kept The letter, and the message.
 */
export function readKept(kept: string): string {
  return kept[0] === "j" ? JSON.parse(kept.slice(1)) : kept.slice(1);
}

/** Reads the row that the database returns for an appended message. */
export function readAppended({ onKnown }: Append, { position, known }: Row): Position {
  if (known === "true") onKnown?.();
  return readPosition(String(position));
}

/** Reads a position in the form of the database. */
export function readPosition(text: string): Position {
  const dot = text.indexOf(".");
  return [text.slice(0, dot), Number(text.slice(dot + 1))];
}

/**
 * Reads the notification of a stored message.
 *
 * @param text The text of the notification.
 * @returns The message, or `undefined` if the text is not such a notification.
 */
export function readStored(text: string): Stored | undefined {
  if (!text.startsWith(MARK)) return undefined;
  const end = text.indexOf(":");
  if (!/^TH1[0-9a-f]{32}\.[1-9]\d{0,15}$/.test(text.slice(0, end))) return undefined;
  const envelope = decodeEnvelope(text.slice(end + 1));
  if (typeof envelope?.data !== "string") return undefined;
  return { position: readPosition(text.slice(MARK.length, end)), data: envelope.data, from: envelope.from };
}

/**
 * Messages as the database takes them: what is kept, and what goes out in notifications.
 *
 * A message that is kept is a sign, `t` for text as it is or `j` for a JSON string, and that. A notification of it is like any other of
 * the adapter, in parts where it has to be, and what the parts make up is `TH1`, its position, `:`, and the envelope:
 * `TH1d41d8cd98f00b204e9800998ecf8427e.17:TL1t6:node-1hello`.
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
  /** How much text it is, in UTF-16 units. */
  readonly length: number;
  readonly size: string;
  readonly ttl: string;
  readonly brief: boolean;
  readonly key: string;
  onKnown?(): void;
  readonly kind: string;
  /** The notify channel; empty for none. */
  readonly channel: string;
  /** What payloads begin with. */
  readonly heads: readonly string[];
  /** The message, in as many pieces as there are payloads. */
  readonly pieces: readonly string[];
}

/** A message of another node that is kept. */
export interface Stored {
  readonly position: Position;
  readonly data: string;
  readonly from: string;
}

const MARK = "TH1";
/** As long as a position gets, with its mark. */
const POSITION_BYTES = MARK.length + 32 + 1 + 19 + 1;
const MAX_SIZE = 1e15;
/** What is kept for longer, in milliseconds, is kept for ever: some thousand years. */
const MAX_TTL_MS = 1e14;

/** Makes messages ready, for one node. */
export class Packing {
  readonly #channels: NotifyChannels;
  readonly #chunks: Chunks | undefined;
  /** The length of the node's identity, and that: as envelopes have it. */
  readonly from: string;
  readonly #nodeId: string;
  #lastNumber = 0;

  /**
   * @param channels The names of the prefix.
   * @param nodeId The identity of the node.
   * @param chunks What cuts large messages; without it nobody is notified.
   */
  constructor(channels: NotifyChannels, nodeId: string, chunks: Chunks | undefined) {
    this.#channels = channels;
    this.#chunks = chunks;
    this.from = `${nodeId.length}:${nodeId}`;
    this.#nodeId = nodeId;
  }

  /** Makes a message ready. */
  pack(
    channel: string,
    data: string,
    { size, ttlMs, brief = false, idempotencyKey, onKnown }: AppendOptions,
  ): Append {
    const name = nameOf(channel);
    const envelope = encodeTextEnvelope(this.#nodeId, data);
    // `TL1`, the sign, and who sends it.
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
 * The parameters of `history_append_v4` that are of messages.
 *
 * @param appends The messages, by topics.
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
 * Reads what the database keeps.
 *
 * @param kept The sign, and the message.
 */
export function readKept(kept: string): string {
  return kept[0] === "j" ? JSON.parse(kept.slice(1)) : kept.slice(1);
}

/** Reads what the database answers to a message. */
export function readAppended({ onKnown }: Append, { position, known }: Row): Position {
  if (known === "true") onKnown?.();
  return readPosition(String(position));
}

/** Reads a position as the database gives it. */
export function readPosition(text: string): Position {
  const dot = text.indexOf(".");
  return [text.slice(0, dot), Number(text.slice(dot + 1))];
}

/**
 * Reads a notification of a message that is kept.
 *
 * @param text What was notified.
 * @returns `undefined` for what is none.
 */
export function readStored(text: string): Stored | undefined {
  if (!text.startsWith(MARK)) return undefined;
  const end = text.indexOf(":");
  if (!/^TH1[0-9a-f]{32}\.[1-9]\d{0,15}$/.test(text.slice(0, end))) return undefined;
  const envelope = decodeEnvelope(text.slice(end + 1));
  if (typeof envelope?.data !== "string") return undefined;
  return { position: readPosition(text.slice(MARK.length, end)), data: envelope.data, from: envelope.from };
}

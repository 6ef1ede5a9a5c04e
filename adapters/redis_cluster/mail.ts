/**
 * Messages between nodes on Redis Cluster. A message is an envelope. Its sender is the node's id and the message's
 * number among the node's messages on the partition. So no node takes a message twice or too late.
 *
 * @module
 */

import { startsWith } from "../../contract/values/bytes.ts";
import type { AdapterData } from "../adapter.ts";
import { decodeEnvelope, encodeEnvelope } from "../kit/envelope.ts";
import { Seen } from "./seen.ts";

const encoder = new TextEncoder();
const codesOf = (text: string): number[] => Array.from(text, (unit) => unit.charCodeAt(0));
const [ZERO, NINE, COLON, BYTES] = codesOf("09:b") as [number, number, number, number];
const KINDS = new Set(codesOf("tjxb"));
/** The length of an envelope's mark; its kind is behind it. */
const HEAD = 3;
/** The mark, the kind, and up to four digits; then there is a colon. */
const MAX_HEAD = 8;

/** Packs and unpacks the messages of one node. */
export class Mail {
  readonly #nodeId: string;
  /** The start of this node's senders. */
  readonly #own: Uint8Array;
  readonly #packed: number[];
  readonly #seen: readonly Seen[];

  /**
   * @param nodeId The node.
   * @param partitions How many partitions there are.
   */
  constructor(nodeId: string, partitions: number) {
    this.#nodeId = nodeId;
    this.#own = encoder.encode(`${nodeId} `);
    this.#packed = Array.from({ length: partitions }, () => 0);
    this.#seen = this.#packed.map(() => new Seen());
  }

  /** Packs the next message for a partition. Bytes are copied. */
  pack(partition: number, data: AdapterData): AdapterData {
    return encodeEnvelope(`${this.#nodeId} ${++this.#packed[partition]!}`, data);
  }

  /**
   * Unpacks a message.
   *
   * @param partition Its partition.
   * @param raw The data that came.
   * @param now The time in milliseconds.
   * @returns The message; `"known"` if it is this node's own, a repeated one, or too late; `"foreign"` if no hub sent
   * it.
   */
  unpack(
    partition: number,
    raw: Uint8Array<ArrayBuffer>,
    now: number,
  ): { readonly from: string; readonly data: AdapterData } | "known" | "foreign" {
    // It needs no decoding, however large it is.
    if (this.#isOwn(raw)) return "known";
    const envelope = decodeEnvelope(raw);
    if (!envelope) return "foreign";
    const space = envelope.from.lastIndexOf(" ");
    const number = envelope.from.slice(space + 1);
    if (space < 1 || !/^\d{1,15}$/.test(number)) return "foreign";
    const from = envelope.from.slice(0, space);
    if (!this.#seen[partition]!.isNew(from, Number(number), now)) return "known";
    return { from, data: envelope.data };
  }

  #isOwn(raw: Uint8Array): boolean {
    const kind = raw[HEAD]!;
    let at = HEAD + 1;
    let length = 0;
    while (at < MAX_HEAD && isDigit(raw[at])) length = 10 * length + raw[at++]! - ZERO;
    if (!KINDS.has(kind) || raw[at] !== COLON || !startsWith(raw, this.#own, ++at)) return false;
    // Another node's id may begin with this node's id, so the rest of the sender must be a number. Lengths are as in
    // `encodeEnvelope`: in bytes for bytes, in UTF-16 units for text.
    const digits = length - (kind === BYTES ? this.#own.length : this.#nodeId.length + 1);
    for (let i = 0; i < digits; i++) if (!isDigit(raw[at + this.#own.length + i])) return false;
    return digits > 0;
  }
}

const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= ZERO && byte <= NINE;

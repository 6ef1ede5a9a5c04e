/**
 * Messages between nodes on Redis Cluster. A message is an envelope. Its sender is the node's id and the message's
 * number among the node's messages on the partition. So no node takes a message twice or too late.
 *
 * @module
 */

import type { AdapterData } from "../adapter.ts";
import { decodeEnvelope, encodeEnvelope } from "../kit/envelope.ts";
import { Seen } from "./seen.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const [ZERO, NINE] = ["0", "9"].map((digit) => digit.charCodeAt(0)) as [number, number];
/** The mark of an envelope, its kind, and up to four digits; then there is a colon. */
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
    const sender = /^(.+) (\d{1,15})$/s.exec(envelope?.from ?? "");
    if (!envelope || !sender) return "foreign";
    const [, from, number] = sender as unknown as [string, string, string];
    if (!this.#seen[partition]!.isNew(from, Number(number), now)) return "known";
    return { from, data: envelope.data };
  }

  #isOwn(raw: Uint8Array): boolean {
    const head = /^...([tjxb])(\d+):/.exec(decoder.decode(raw.subarray(0, MAX_HEAD + 1)));
    if (!head || !this.#own.every((byte, i) => raw[head[0].length + i] === byte)) return false;
    // Another node's id may begin with this node's id, so the rest of the sender must be a number. Lengths are as in
    // `encodeEnvelope`: in bytes for bytes, in UTF-16 units for text.
    const digits = Number(head[2]) - (head[1] === "b" ? this.#own.length : this.#nodeId.length + 1);
    const start = head[0].length + this.#own.length;
    return digits > 0 && raw.subarray(start, start + digits).every((byte) => byte >= ZERO && byte <= NINE);
  }
}

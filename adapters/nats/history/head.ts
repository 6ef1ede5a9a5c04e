/**
 * The head of the stream: a message that says which life the stream has. Whenever the stream has lost messages, a new life
 * begins.
 *
 * @module
 */

import type { Newest } from "./order.ts";

/** The present life of the stream. */
export interface Head {
  /** Its name, which is part of subjects. */
  readonly life: string;
  /** Rises by one before channels are forgotten. So a channel that begins again has another epoch. */
  readonly round: number;
  /** The number that the next write of the head must expect. */
  readonly seq: number;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * Writes a head.
 *
 * @param head Its life and its round.
 */
export function encodeHead(head: Omit<Head, "seq">): Uint8Array<ArrayBuffer> {
  return encoder.encode(JSON.stringify(head));
}

/** The first head of a new life. Its name is 16 letters and digits, for subjects and epochs. */
export function newLife(): Omit<Head, "seq"> {
  const random = crypto.getRandomValues(new Uint8Array(16));
  return { life: Array.from(random, (byte) => (byte % 32).toString(32)).join(""), round: 0 };
}

/**
 * Reads a head.
 *
 * @param newest The newest message of its subject.
 * @returns `undefined` if no hub has written it.
 */
export function readHead({ stored, last }: Newest): Head | undefined {
  try {
    const { life, round } = JSON.parse(decoder.decode(stored.data));
    return /^[0-9a-v]{16}$/.test(life) && Number.isSafeInteger(round)
      ? { life, round, seq: last }
      : undefined;
  } catch {
    return undefined;
  }
}

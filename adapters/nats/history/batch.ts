/**
 * How the messages of a history are written. While a write of a node to a channel is under way, further messages wait;
 * they become one message of the stream, a batch.
 *
 * A batch is `TLH1`, a head as JSON, a line feed, and the texts one after the other in UTF-8. No envelope begins like
 * that. Any client with permission may publish there, so every batch is checked when it is read.
 *
 * @module
 */

import { readUtf8, startsWith } from "../../../contract/values/bytes.ts";

/** An earlier batch of the channel. */
export interface EarlierBatch {
  /** Its number in the stream. */
  readonly seq: number;
  /** How many messages it has. */
  readonly count: number;
  /** Its idempotency keys with their offsets, if the batch that lists it gives them. */
  readonly keys?: ReadonlyMap<string, number>;
}

/** Messages that were appended in one step. */
export interface Batch {
  readonly epoch: string;
  /** The offset of the first message. */
  readonly first: number;
  /** The node that appended them. */
  readonly node: string;
  /** How many messages of the channel to keep. */
  readonly size: number;
  /** How long to keep them, in milliseconds. */
  readonly ttlMs: number;
  /** Whether the channel is out of use when all its messages have expired. */
  readonly brief: boolean;
  /** The oldest offset that was kept then, as far as the node knew. */
  readonly floor: number;
  /** The batches right before it, the newest first. */
  readonly earlier: readonly EarlierBatch[];
  /** The idempotency keys of its messages, with their offsets. */
  readonly keys: ReadonlyMap<string, number>;
  /** The texts; there is at least one. */
  readonly records: readonly string[];
}

const MARK = "TLH1";
const MARK_BYTES = new TextEncoder().encode(MARK);
const LINE_FEED = 10;

const encoder = new TextEncoder();

/** An idempotency key, and the place of its message in its batch. */
type Key = readonly [key: string, at: number];

/**
 * The head in its written form. Numbers of earlier batches are distances. Keys of earlier batches are given for all or
 * for none.
 */
type Head = readonly [
  epoch: string,
  first: number,
  node: string,
  size: number,
  ttlMs: number | null,
  floor: number,
  lengths: readonly number[],
  earlier: readonly number[],
  keys: readonly Key[],
  earlierKeys: readonly (readonly Key[] | null)[],
  brief?: true,
];

/**
 * Writes a batch.
 *
 * @param batch The batch.
 */
export function encodeBatch(batch: Batch): Uint8Array<ArrayBuffer> {
  const { epoch, first, node, size, ttlMs, brief, floor, earlier, keys } = batch;
  const texts = batch.records.map((text) => encoder.encode(text));
  const distances = earlier.flatMap((
    { seq, count },
    i,
  ) => [i === 0 ? seq : earlier[i - 1]!.seq - seq, count]);
  let next = first;
  const earlierKeys = earlier.map(({ count, keys }) => {
    next -= count;
    return keys ? pairs(keys, next) : null;
  });
  const head: Head = [
    epoch,
    first,
    node,
    size,
    ttlMs === Infinity ? null : ttlMs,
    floor,
    texts.map(({ length }) => length),
    distances,
    pairs(keys, first),
    earlier.some(({ keys }) => keys) ? earlierKeys : [],
    ...brief ? [true] as const : [] as const,
  ];
  const start = encoder.encode(`${MARK}${JSON.stringify(head)}\n`);
  const bytes = new Uint8Array(texts.reduce((sum, { length }) => sum + length, start.length));
  bytes.set(start);
  let at = start.length;
  for (const text of texts) {
    bytes.set(text, at);
    at += text.length;
  }
  return bytes;
}

function pairs(keys: ReadonlyMap<string, number>, first: number): Key[] {
  return Array.from(keys, ([key, offset]) => [key, offset - first]);
}

function keysOf(pairs: readonly Key[], first: number): Map<string, number> {
  return new Map(pairs.map(([key, at]) => [key, first + at]));
}

/** Whether bytes begin like a batch. */
export function isBatch(bytes: Uint8Array): boolean {
  return bytes.length > MARK_BYTES.length && startsWith(bytes, MARK_BYTES);
}

/**
 * Reads a batch.
 *
 * @param bytes Bytes from {@linkcode encodeBatch}.
 * @returns The batch; `undefined` if the bytes are not a batch.
 */
export function decodeBatch(bytes: Uint8Array): Batch | undefined {
  const end = bytes.indexOf(LINE_FEED);
  if (end < 0 || !isBatch(bytes)) return undefined;
  try {
    const head: unknown = JSON.parse(readUtf8(bytes.subarray(MARK_BYTES.length, end)));
    if (!isHead(head)) return undefined;
    const [epoch, first, node, size, ttlMs, floor, lengths, distances, keys, earlierKeys, brief = false] =
      head;
    const records: string[] = [];
    let at = end + 1;
    for (const length of lengths) {
      records.push(readUtf8(bytes.subarray(at, at + length)));
      at += length;
    }
    const earlier = readEarlier(distances, earlierKeys, first);
    if (at !== bytes.length || !earlier) return undefined;
    return {
      epoch,
      first,
      node,
      size,
      ttlMs: ttlMs ?? Infinity,
      brief,
      floor,
      earlier,
      keys: keysOf(keys, first),
      records,
    };
  } catch {
    return undefined; // not JSON or not UTF-8
  }
}

function readEarlier(
  numbers: readonly number[],
  keys: Head[9],
  first: number,
): EarlierBatch[] | undefined {
  const earlier: EarlierBatch[] = [];
  if (keys.length > 0 && keys.length !== numbers.length / 2) return undefined;
  let seq = 0;
  let left = first - 1;
  for (let i = 0; i < numbers.length; i += 2) {
    seq = i === 0 ? numbers[0]! : seq - numbers[i]!;
    const count = numbers[i + 1]!;
    left -= count;
    const own = keys[i / 2];
    if (seq <= 0 || left < 0 || own && !own.every((pair) => isKey(pair, count))) return undefined;
    earlier.push(own ? { seq, count, keys: keysOf(own, left + 1) } : { seq, count });
  }
  return earlier;
}

function isHead(head: unknown): head is Head {
  if (!Array.isArray(head) || head.length !== 10 && (head.length !== 11 || head[10] !== true)) return false;
  const [epoch, first, node, size, ttlMs, floor, lengths, earlier, keys, earlierKeys] = head;
  return typeof epoch === "string" && epoch.length <= 64 && typeof node === "string" &&
    isCount(first) && isCount(size) && isCount(floor) && floor <= first &&
    (ttlMs === null || (typeof ttlMs === "number" && ttlMs > 0)) &&
    Array.isArray(lengths) && lengths.length > 0 &&
    lengths.every((length) => length === 0 || isCount(length)) &&
    Array.isArray(earlier) && earlier.length % 2 === 0 && earlier.every(isCount) &&
    Array.isArray(keys) && keys.every((pair) => isKey(pair, lengths.length)) &&
    Array.isArray(earlierKeys) && earlierKeys.every((keys) => keys === null || Array.isArray(keys));
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

function isKey(pair: unknown, count: number): boolean {
  if (!Array.isArray(pair) || pair.length !== 2 || typeof pair[0] !== "string") return false;
  return Number.isInteger(pair[1]) && pair[1] >= 0 && pair[1] < count;
}

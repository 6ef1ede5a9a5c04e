/**
 * How messages of a history are written: what one node appends to one channel while its last write is under way becomes
 * one message of the stream.
 *
 * `TLH1`, a head as JSON, a line feed, and the texts one after the other in UTF-8. No envelope begins like that. What is
 * read may be of anybody who may publish there, so nothing of it is believed.
 *
 * @module
 */

/** Where an earlier batch of the channel is. */
export interface EarlierBatch {
  /** Its number in the stream. */
  readonly seq: number;
  /** How many messages it has. */
  readonly count: number;
}

/** Messages that were appended in one step. */
export interface Batch {
  readonly epoch: string;
  /** The offset of the first. */
  readonly first: number;
  /** The node that appended them. */
  readonly node: string;
  /** How many messages of the channel are to be kept. */
  readonly size: number;
  /** How long, in milliseconds. */
  readonly ttlMs: number;
  /** Whether nobody comes back to the channel when all has expired. */
  readonly brief: boolean;
  /** The oldest offset that was kept then, as far as the node knew. */
  readonly floor: number;
  /** The batches before it, the newest first. */
  readonly earlier: readonly EarlierBatch[];
  /** The idempotency keys of those that have one, with their offsets. */
  readonly keys: ReadonlyMap<string, number>;
  /** The texts; there is at least one. */
  readonly records: readonly string[];
}

const MARK = "TLH1";
const MARK_BYTES = new TextEncoder().encode(MARK);
const LINE_FEED = 10;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The head, as it is written: numbers of earlier batches as distances. */
type Head = readonly [
  epoch: string,
  first: number,
  node: string,
  size: number,
  ttlMs: number | null,
  floor: number,
  lengths: readonly number[],
  earlier: readonly number[],
  keys: readonly (readonly [key: string, at: number])[],
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
  const head: Head = [
    epoch,
    first,
    node,
    size,
    ttlMs === Infinity ? null : ttlMs,
    floor,
    texts.map(({ length }) => length),
    distances,
    Array.from(keys, ([key, offset]) => [key, offset - first]),
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

/** Whether bytes begin as a batch does. */
export function isBatch(bytes: Uint8Array): boolean {
  return bytes.length > MARK_BYTES.length && MARK_BYTES.every((byte, i) => bytes[i] === byte);
}

/**
 * Reads a batch.
 *
 * @param bytes What {@linkcode encodeBatch} wrote.
 * @returns The batch; `undefined` for what is none.
 */
export function decodeBatch(bytes: Uint8Array): Batch | undefined {
  const end = bytes.indexOf(LINE_FEED);
  if (end < 0 || !isBatch(bytes)) return undefined;
  try {
    const head: unknown = JSON.parse(decoder.decode(bytes.subarray(MARK_BYTES.length, end)));
    if (!isHead(head)) return undefined;
    const [epoch, first, node, size, ttlMs, floor, lengths, distances, keys, brief = false] = head;
    const records: string[] = [];
    let at = end + 1;
    for (const length of lengths) {
      records.push(decoder.decode(bytes.subarray(at, at + length)));
      at += length;
    }
    const earlier = readEarlier(distances, first);
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
      keys: new Map(keys.map(([key, at]) => [key, first + at])),
      records,
    };
  } catch {
    return undefined; // neither JSON nor UTF-8
  }
}

function readEarlier(numbers: readonly number[], first: number): EarlierBatch[] | undefined {
  const earlier: EarlierBatch[] = [];
  let seq = 0;
  let left = first - 1;
  for (let i = 0; i < numbers.length; i += 2) {
    seq = i === 0 ? numbers[0]! : seq - numbers[i]!;
    const count = numbers[i + 1]!;
    left -= count;
    if (seq <= 0 || left < 0) return undefined;
    earlier.push({ seq, count });
  }
  return earlier;
}

function isHead(head: unknown): head is Head {
  if (!Array.isArray(head) || head.length !== 9 && (head.length !== 10 || head[9] !== true)) return false;
  const [epoch, first, node, size, ttlMs, floor, lengths, earlier, keys] = head;
  return typeof epoch === "string" && epoch.length <= 64 && typeof node === "string" &&
    isCount(first) && isCount(size) && isCount(floor) && floor <= first &&
    (ttlMs === null || (typeof ttlMs === "number" && ttlMs > 0)) &&
    Array.isArray(lengths) && lengths.length > 0 &&
    lengths.every((length) => length === 0 || isCount(length)) &&
    Array.isArray(earlier) && earlier.length % 2 === 0 && earlier.every(isCount) &&
    Array.isArray(keys) && keys.every((pair) => isKey(pair, lengths.length));
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

function isKey(pair: unknown, count: number): boolean {
  if (!Array.isArray(pair) || pair.length !== 2 || typeof pair[0] !== "string") return false;
  return Number.isInteger(pair[1]) && pair[1] >= 0 && pair[1] < count;
}

/**
 * Histories in Redis. See docs/decisions/0045-history-in-redis.md.
 *
 * @module
 */

import { HubError, type Position } from "../../../../contract/mod.ts";
import { utf8Size } from "../../../../contract/values/utf8_size.ts";
import type {
  AppendOptions,
  HistoryContext,
  HistoryStore,
  ReadOptions,
  StoredPage,
  StoredRecord,
} from "../../../history_store.ts";
import { orAborted } from "../../or_aborted.ts";
import { isReply } from "../errors.ts";
import type { Question } from "../questions.ts";
import { Batches, type RedisReach } from "../reach.ts";
import { frameHead, type HistoryFrame } from "./frame.ts";
import { notKept, notRead } from "./outcome.ts";
import { APPEND, POSITIONS, READ } from "./scripts.ts";

/** The keys of a channel, in the order in which the scripts take them. */
const KINDS = ["m", "s", "k"];

/** How many positions one run of a script reads: that takes Redis about a quarter of a millisecond. */
const MAX_POSITIONS = 50;

/** Longer times count as unlimited, in milliseconds: Redis would refuse them only after it has kept the message. */
const MAX_TTL_MS = 1e14;

/** Options of {@linkcode RedisHistory}. */
export interface RedisHistoryParts {
  /** The name of the store, for errors. */
  readonly name: string;
  /** The servers. */
  readonly reach: RedisReach;
  /** The largest message, in bytes. */
  readonly maxMessageBytes: number;
  /** How long to remember a channel without appends, in milliseconds. */
  readonly keepMs: number;
  /** How kept messages reach the other nodes; absent if the hub publishes them. */
  readonly publishing?: {
    readonly command: "PUBLISH" | "SPUBLISH";
    /** The name in Redis of a channel of the hub. */
    nameOf(channel: string): string;
  };
}

/** A store over the connections of an adapter, or over its own connections. */
export class RedisHistory implements HistoryStore {
  readonly name: string;
  readonly publishes: boolean;
  readonly tellsKnown = true;
  readonly #parts: RedisHistoryParts;
  readonly #redis: Batches;
  readonly #positions: Question;
  #context: HistoryContext | undefined;
  #head = "";

  /** @param parts The parts. */
  constructor(parts: RedisHistoryParts) {
    this.name = parts.name;
    this.publishes = parts.publishing !== undefined;
    this.#parts = parts;
    this.#redis = new Batches(parts.reach);
    this.#positions = {
      script: POSITIONS,
      most: MAX_POSITIONS,
      keys: (part) => [`${parts.reach.keysOf(part)}new`],
      args: () => [newId(), String(Math.ceil(parts.keepMs))],
    };
  }

  open(context: HistoryContext): void {
    this.#context = context;
    this.#head = frameHead(context.nodeId);
  }

  async append(channel: string, data: string, options: AppendOptions): Promise<Position> {
    const { size, ttlMs, brief = false, idempotencyKey: key, onKnown, signal } = options;
    const { maxMessageBytes, keepMs, publishing } = this.#parts;
    signal?.throwIfAborted();
    const bytes = utf8Size(data);
    if (bytes > maxMessageBytes) {
      const what =
        `Cannot store ${bytes} bytes on "${channel}": ${this.name} takes at most ${maxMessageBytes}`;
      throw new HubError("TOO_LARGE", what, { data: { bytes, maxBytes: maxMessageBytes } });
    }
    const [part, keys, name] = this.#keysOf(channel);
    const args = [
      data,
      key === undefined ? "" : toName(key),
      String(Math.min(size, Number.MAX_SAFE_INTEGER)),
      ttlMs > MAX_TTL_MS ? "" : String(Math.ceil(ttlMs)),
      String(brief ? 0 : Math.ceil(keepMs)),
      newId(),
      name,
      ...(publishing ? [publishing.command, publishing.nameOf(channel), this.#head] : []),
    ];
    // After the message is sent, only the answer or the loss of the connection ends the wait. So every kept message is
    // delivered.
    try {
      const answer = await this.#redis.runPatiently(channel, part, APPEND, keys, ...args);
      const [epoch, offset, isKnown] = answer as [string, number, number];
      if (isKnown === 1) onKnown?.();
      return [epoch, offset];
    } catch (error) {
      throw notKept(error, channel, this.name);
    }
  }

  async read(channel: string, options: ReadOptions = {}): Promise<StoredPage> {
    const { since, limit, signal } = options;
    signal?.throwIfAborted();
    const page = limit === 0 && !since ? this.#positionOf(channel) : this.#page(channel, options);
    try {
      return await orAborted(page, signal);
    } catch (error) {
      throw signal?.aborted && error === signal.reason ? error : notRead(error, channel, this.name);
    }
  }

  /** Asks for a position together with all others that are wanted in this turn. */
  async #positionOf(channel: string): Promise<StoredPage> {
    const [part, [, head]] = this.#keysOf(channel, ["m"]);
    try {
      const position = await this.#redis.ask(part, this.#positions, head!) as Position;
      return { position, complete: true, records: [] };
    } catch (error) {
      // The reason may be one of the other channels.
      if (this.#isOfAll(error as Error)) throw error;
      return await this.#page(channel, { limit: 0 });
    }
  }

  /** Whether an error concerns the server or the connection, and not one of the channels. */
  #isOfAll({ cause }: Error): boolean {
    return !isReply(cause) || this.#parts.reach.patience?.isForNow(cause as Error) === true;
  }

  async #page(
    channel: string,
    { since, limit = Infinity, reverse = false }: ReadOptions,
  ): Promise<StoredPage> {
    const [part, keys, name] = this.#keysOf(channel);
    const answer = await this.#redis.runPatiently(
      undefined,
      part,
      READ,
      keys,
      newId(),
      String(Math.ceil(this.#parts.keepMs)),
      name,
      since?.[0] ?? "",
      since ? String(since[1]) : "",
      limit === Infinity ? "" : String(limit),
      reverse ? "1" : "0",
    );
    const [epoch, last, complete, flat, now] = answer as [string, number, number, string[], string];
    return {
      position: [epoch, last],
      complete: complete === 1,
      records: recordsOf(flat, Number(now), channel),
    };
  }

  /**
   * Takes a message that another node has published.
   *
   * @returns Whether this node uses the store.
   */
  receive(channel: string, { from, position, data }: HistoryFrame): boolean {
    if (!this.#context) return false;
    if (from !== this.#context.nodeId) this.#context.deliver(channel, position, data, from);
    return true;
  }

  close(): void {
    this.#context = undefined;
  }

  #keysOf(
    channel: string,
    kinds: readonly string[] = KINDS,
  ): [part: number, keys: readonly string[], name: string] {
    const { reach } = this.#parts;
    const part = reach.partOf(channel);
    const prefix = reach.keysOf(part);
    const name = toName(channel);
    return [part, [`${prefix}new`, ...kinds.map((kind) => `${prefix}${kind}:${name}`)], name];
  }
}

/** Makes any text well-formed and not empty. Different texts stay different in UTF-8. */
const toName = (text: string): string => text.isWellFormed() ? `c:${text}` : `j:${JSON.stringify(text)}`;

const newId = (): string => crypto.randomUUID().slice(0, 18);

/** Ids are `OFFSET-TIME`, by the clock of Redis. */
function recordsOf(flat: readonly string[], now: number, channel: string): StoredRecord[] {
  const records: StoredRecord[] = [];
  for (let i = 0; i < flat.length; i += 2) {
    const offset = Number.parseInt(flat[i]!);
    const before = records.at(-1)?.offset;
    if (before !== undefined && Math.abs(offset - before) !== 1) {
      throw new Error(
        `Cannot read "${channel}": its keys in Redis were changed by hand, the message after ${before} is missing`,
      );
    }
    const at = Number(flat[i]!.split("-")[1]);
    records.push({ offset, data: flat[i + 1]!, ageMs: Math.max(0, now - at) });
  }
  return records;
}

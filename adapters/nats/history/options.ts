/**
 * The options of histories in NATS JetStream.
 *
 * @module
 */

import { count, ms, oneOf, text } from "../../../contract/options/option_kinds.ts";
import { type Kind, optional, or, type Rows, wrong } from "../../../contract/options/read_options.ts";
import type { Clock } from "../../../contract/clock.ts";
import type { Subjects } from "../subject.ts";
import type { NatsHistoryParts } from "./store.ts";

/** How JetStream keeps histories: in one stream for each prefix. The stream is created if it does not exist. */
export interface NatsHistorySettings {
  /**
   * The name of the stream: up to 255 characters, without white space and `.*>/\\`.
   *
   * @default {undefined} `trunkline-` and the prefix
   */
  readonly stream?: string;
  /**
   * Where the stream keeps messages. In memory, all messages are lost with the servers, and topics begin new epochs.
   *
   * @default {undefined} as the stream is; `"file"` for a new one
   */
  readonly storage?: "file" | "memory";
  /**
   * How many servers of a cluster keep each message, from 1 to 5. With 3, one server may be lost.
   *
   * @default {undefined} as the stream is; 1 for a new one
   */
  readonly replicas?: number;
  /**
   * The size of the stream, in bytes. When it is full, publishing on topics with history fails with `UNAVAILABLE`.
   *
   * @default {undefined} as the stream is; 268_435_456 for a new one
   */
  readonly maxBytes?: number;
  /**
   * How long after its last message a topic is forgotten with all its messages, in milliseconds; at least an hour. If
   * the contract's `ttlMs` is longer, `ttlMs` counts. After that the topic begins a new epoch.
   *
   * @default {604_800_000}
   */
  readonly forgetAfterMs?: number;
  /** The JetStream domain, if the servers have one. */
  readonly domain?: string;
}

const HOUR_MS = 3_600_000;
const MAX_NAME_LENGTH = 255;

const streamName: Kind<string> = (value, place) => {
  const name = text(value, place);
  if (name.length <= MAX_NAME_LENGTH && !/[\s.*>/\\]/.test(name)) return name;
  throw wrong(value, place, `a name of up to ${MAX_NAME_LENGTH} characters without white space and .*>/\\`);
};

const domainName: Kind<string> = (value, place) => {
  const name = text(value, place);
  if (!/[\s.*>]/.test(name)) return name;
  throw wrong(value, place, "a name without white space and .*>");
};

/** The rows of {@linkcode NatsHistorySettings}. */
export const HISTORY_ROWS = {
  stream: optional(streamName),
  storage: optional(oneOf("file", "memory")),
  replicas: optional(count({ max: 5 })),
  maxBytes: optional(count()),
  forgetAfterMs: or(ms({ min: HOUR_MS, max: Infinity }), 7 * 24 * HOUR_MS),
  domain: optional(domainName),
} satisfies Rows<NatsHistorySettings>;

/** The parts that the store gets from the adapter. */
export interface SharedParts {
  readonly prefix: string;
  readonly subjects: Subjects;
  readonly clock: Clock;
  /** How long an answer may take, in milliseconds. */
  readonly timeoutMs: number;
  /** Whether the server publishes kept messages to the nodes. */
  readonly publishes: boolean;
}

/**
 * Collects the parts that the store needs.
 *
 * @param settings The user's checked settings.
 * @param shared The adapter's parts.
 * @throws {RangeError} If the prefix is too long for the name of a stream.
 */
export function historyParts(
  { stream, storage, replicas, maxBytes, forgetAfterMs, domain }: NatsHistorySettings & {
    readonly forgetAfterMs: number;
  },
  { prefix, subjects, clock, timeoutMs, publishes }: SharedParts,
): NatsHistoryParts {
  const name = stream ?? nameFor(prefix);
  return {
    stream: { name, subjects, storage, replicas, maxBytes, publishes },
    api: domain === undefined ? "$JS.API" : `$JS.${domain}.API`,
    clock,
    timeoutMs,
    forgetAfterMs,
  };
}

/** Letters, digits and hyphens stay as they are. Every other character becomes `_` and two hex digits for each byte. */
function nameFor(prefix: string): string {
  const encoder = new TextEncoder();
  const plain = prefix.replace(
    /[^A-Za-z0-9-]/gu,
    (character) =>
      Array.from(encoder.encode(character), (byte) => `_${byte.toString(16).toUpperCase().padStart(2, "0")}`)
        .join(""),
  );
  const name = `trunkline-${plain}`;
  if (name.length <= MAX_NAME_LENGTH) return name;
  throw new RangeError(
    `Cannot name a stream after a prefix that takes ${name.length} characters: give history: { stream: "a-name" }`,
  );
}

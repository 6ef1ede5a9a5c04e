/**
 * How changes are written for other nodes, and read: a list in which a text names the place of what follows it, a
 * number is the time of what follows it, and a list is a change of one connection.
 *
 * @module
 */

import { maxUtf8Size, utf8Size, writeJsonMessage } from "../../../contract/mod.ts";
import type { PresencePart } from "../../backplane/bus_wire.ts";
import type { PresenceEntry } from "../place.ts";
import type { OwnOp } from "./recent_ops.ts";

/** Times travel as milliseconds since then: that is two digits shorter. */
const TIMES_SINCE = Date.UTC(2025, 0, 1);
/** What a message has beside its changes, in bytes at the most. */
const MESSAGE_BYTES = 128;
/** What a change has beside its own text: a comma, and the way back to the time of the message. */
const OP_BYTES = 4;
/** What a unit of UTF-16 takes within JSON, in bytes at the most. */
const MAX_ESCAPED_BYTES = 6;
/** What a time takes, in bytes at the most. */
const TIME_BYTES = 18;

/**
 * Writes a change.
 *
 * @param prefix What all ids of connections of this node begin with.
 * @param what The entry, or the id of a connection that left.
 * @throws {HubError} `BAD_REQUEST` when the state holds what cannot travel.
 */
export function writeOp(prefix: string, what: PresenceEntry | string): string {
  if (typeof what === "string") return JSON.stringify([what.slice(prefix.length)]);
  return writeJsonMessage([what.id.slice(prefix.length), what.user ?? null, what.state]);
}

/**
 * How large a message is at the most that holds a single change.
 *
 * @param place The place.
 * @param op What `writeOp` wrote.
 * @returns In bytes.
 */
export const loneBytes = (place: string, op: string): number =>
  MESSAGE_BYTES + OP_BYTES + placeBytes(JSON.stringify(place)) + utf8Size(op);

/** The most that `loneBytes` can be; costs nothing. */
export const mostLoneBytes = (place: string, op: string): number =>
  MESSAGE_BYTES + OP_BYTES + place.length * MAX_ESCAPED_BYTES + 3 + maxUtf8Size(op);

const placeBytes = (written: string): number => utf8Size(written) + 1;

/** Writes changes, one by one. */
export interface OpWriter {
  /** Writes a change; see {@linkcode writeOp}. */
  write(what: OwnOp["what"]): string;
  /** When the state of an entry was set, in milliseconds since 1970. */
  timeOf(entry: PresenceEntry): number;
}

/** Changes that travel in one message. */
export interface Stretch {
  /** The version that the last of them made. */
  readonly version: number;
  /** The end of the message: a time, and the changes. */
  readonly text: string;
}

/**
 * Writes changes into as few messages as their size allows.
 *
 * @param ops The changes, by version.
 * @param maxBytes How large a message may be.
 * @param writer Writes one.
 */
export function* writeStretches(
  ops: Iterable<OwnOp>,
  maxBytes: number,
  writer: OpWriter,
): Iterable<Stretch> {
  let open = new Stream();
  for (const { version, place, what } of ops) {
    const time = typeof what === "string" ? undefined : writer.timeOf(what) - TIMES_SINCE;
    const op = { version, place, time, text: writer.write(what) };
    if (open.add(op, maxBytes - MESSAGE_BYTES)) continue;
    yield open.end();
    open = new Stream();
    open.add(op, Infinity);
  }
  if (open.bytes > 0) yield open.end();
}

/** A change, written. */
interface WrittenOp {
  readonly version: number;
  readonly place: string;
  /** Of one that left there is none. */
  readonly time: number | undefined;
  readonly text: string;
}

/** A message in the making: changes by place, so that each place is named once. */
class Stream {
  readonly #places = new Map<string, { readonly name: string; readonly ops: WrittenOp[] }>();
  #base: number | undefined;
  #version = 0;
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  /** Adds a change; one that is too much, unless it is the first, is not added. Tells whether it was. */
  add(op: WrittenOp, maxBytes: number): boolean {
    const known = this.#places.get(op.place);
    const place = known ?? { name: JSON.stringify(op.place), ops: [] };
    const isFar = op.time !== undefined && this.#base !== undefined && op.time !== this.#base;
    const bytes = this.#bytes + (known ? 0 : placeBytes(place.name)) + utf8Size(op.text) + OP_BYTES +
      (isFar ? TIME_BYTES : 0);
    if (this.#bytes > 0 && bytes > maxBytes) return false;
    this.#bytes = bytes;
    this.#base ??= op.time;
    this.#version = op.version;
    if (!known) this.#places.set(op.place, place);
    place.ops.push(op);
    return true;
  }

  end(): Stretch {
    const base = this.#base ?? 0;
    const parts = [String(base)];
    let shift = 0;
    for (const { name, ops } of this.#places.values()) {
      parts.push(name);
      for (const { time = base + shift, text } of ops) {
        const next = time - base;
        if (next !== shift) parts.push(String(next));
        shift = next;
        parts.push(text);
      }
    }
    return { version: this.#version, text: parts.join(",") };
  }
}

/**
 * Reads changes.
 *
 * @param message The message: what `writeStretches` wrote, from an element on.
 * @param start The element.
 * @param visit Called for each change, in order.
 */
export function readStretch(
  message: readonly unknown[],
  start: number,
  visit: (place: string, op: Exclude<PresencePart, string | number>, at: number) => void,
): void {
  const base = TIMES_SINCE + (message[start] as number);
  let at = base;
  let place = "";
  for (let i = start + 1; i < message.length; i++) {
    const part = message[i] as PresencePart;
    if (typeof part === "string") place = part;
    else if (typeof part === "number") at = base + part;
    else visit(place, part, at);
  }
}

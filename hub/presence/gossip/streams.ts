/**
 * Writes changes for other nodes, and reads them. The form is a list. A text in it names the place of the elements
 * after it, a number is their time, and a list is a change of one connection.
 *
 * @module
 */

import { maxUtf8Size, utf8Size, writeJsonMessage } from "../../../contract/mod.ts";
import type { PresencePart } from "../../backplane/bus_wire.ts";
import type { PresenceEntry } from "../place.ts";
import type { OwnOp } from "./recent_ops.ts";

/** Times are sent as milliseconds since this moment, which saves two digits. */
const TIMES_SINCE = Date.UTC(2025, 0, 1);
/** The size of a message without its changes, in bytes at most. */
const MESSAGE_BYTES = 128;
/** The size of a change without its own text, in bytes: a comma, and the step back to the message's time. */
const OP_BYTES = 4;
/** The size of a UTF-16 unit in JSON, in bytes at most. */
const MAX_ESCAPED_BYTES = 6;
/** The size of a time, in bytes at most. */
const TIME_BYTES = 18;

/**
 * Writes a change.
 *
 * @param prefix The prefix of all connection ids of this node.
 * @param what The entry, or the id of a connection that left.
 * @throws {HubError} `BAD_REQUEST` when JSON cannot carry the state.
 */
export function writeOp(prefix: string, what: PresenceEntry | string): string {
  if (typeof what === "string") return JSON.stringify([what.slice(prefix.length)]);
  return writeJsonMessage([what.id.slice(prefix.length), what.user ?? null, what.state]);
}

/**
 * The largest size of a message with a single change.
 *
 * @param place The place.
 * @param op The text from `writeOp`.
 * @returns The size in bytes.
 */
export const loneBytes = (place: string, op: string): number =>
  MESSAGE_BYTES + OP_BYTES + placeBytes(JSON.stringify(place)) + utf8Size(op);

/** An upper limit of `loneBytes` that is cheap to calculate. */
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

/** The changes in one message. */
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
 * @param maxBytes The size limit of a message.
 * @param writer Writes a change.
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

/** A written change. */
interface WrittenOp {
  readonly version: number;
  readonly place: string;
  /** Absent for a connection that left. */
  readonly time: number | undefined;
  readonly text: string;
}

/** A message that is being written. It groups changes by place, so that each place is named once. */
class Stream {
  readonly #places = new Map<string, { readonly name: string; readonly ops: WrittenOp[] }>();
  #base: number | undefined;
  #version = 0;
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  /** Adds a change. Returns `false` if it does not fit; the first change is always added. */
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
 * @param message The message. From `start` on, it holds the text of `writeStretches`.
 * @param start The index of the first of these elements.
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

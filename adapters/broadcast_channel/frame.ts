/**
 * The frames between nodes on a BroadcastChannel, in the form for structured clone.
 *
 * @module
 */

import type { Entries } from "./flow.ts";

/** The mark of this format; the digit is its version. */
const MARK = "trunkline.1";

/** One message of the BroadcastChannel. */
export type Frame =
  /** Messages of the sender, numbered from 1; `ask`: acknowledge this one. */
  | {
    readonly kind: "data";
    readonly from: string;
    readonly seq: number;
    readonly ask: boolean;
    readonly entries: Entries;
  }
  /** The sender has everything of node `to` up to `seq`. */
  | { readonly kind: "ack"; readonly from: string; readonly to: string; readonly seq: number }
  /** Asks which nodes are there. `seq` is the sender's last number. */
  | { readonly kind: "ask"; readonly from: string; readonly seq: number; readonly token: number }
  /** Answers the node that asked. */
  | {
    readonly kind: "here";
    readonly from: string;
    readonly seq: number;
    readonly to: string;
    readonly token: number;
  }
  /** The sender closes. */
  | { readonly kind: "bye"; readonly from: string };

/**
 * Makes a frame ready for `postMessage`.
 *
 * @param frame The frame.
 */
export function packFrame(frame: Frame): unknown {
  return [MARK, frame];
}

/**
 * Checks a message event.
 *
 * @param value The data of the event.
 * @returns The frame; `"foreign"` if the data comes from other code, `"malformed"` for a wrong frame.
 */
export function unpackFrame(value: unknown): Frame | "foreign" | "malformed" {
  if (!Array.isArray(value) || value[0] !== MARK) return "foreign";
  return value.length === 2 && isFrame(value[1]) ? value[1] : "malformed";
}

function isFrame(value: unknown): value is Frame {
  if (typeof value !== "object" || value === null) return false;
  const { kind, from, seq, ask, entries, to, token } = value as Record<string, unknown>;
  if (typeof from !== "string" || from === "") return false;
  switch (kind) {
    case "data":
      return isCount(seq) && typeof ask === "boolean" && isEntries(entries);
    case "ack":
      return isCount(seq) && typeof to === "string";
    case "ask":
      return isCount(seq) && isCount(token);
    case "here":
      return isCount(seq) && isCount(token) && typeof to === "string";
    case "bye":
      return true;
    default:
      return false;
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isEntries(value: unknown): boolean {
  if (!Array.isArray(value) || value.length % 2 !== 0) return false;
  return value.every((part, i) => typeof part === "string" || (i % 2 === 1 && part instanceof Uint8Array));
}

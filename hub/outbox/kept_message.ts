/**
 * A message of a history on its way to connections, together with its record.
 *
 * @module
 */

import type { ServerMessage } from "../../contract/mod.ts";
import { OutgoingMessage } from "./outgoing_message.ts";

/** A record of a history. */
export interface KeptRecord {
  /** Its offset. */
  readonly offset: number;
  /** Its data in the store. */
  readonly data: string;
  /** Its age when it arrived on this node, in milliseconds; `undefined` if it is not known. */
  readonly ageMs?: number;
}

/** A message of a history. */
export class KeptMessage extends OutgoingMessage implements KeptRecord {
  readonly offset: number;
  readonly data: string;
  readonly ageMs: number | undefined;

  /**
   * @param record The record.
   * @param message Makes the message of the wire.
   * @param json Makes the same text as `jsonCodec`.
   */
  constructor({ offset, data, ageMs }: KeptRecord, message: () => ServerMessage, json: () => string) {
    super(message, undefined, json);
    this.offset = offset;
    this.data = data;
    this.ageMs = ageMs;
  }
}

/**
 * A message of a history on its way to connections; the record itself, as it is sent.
 *
 * @module
 */

import type { ServerMessage } from "../../contract/mod.ts";
import { OutgoingMessage } from "./outgoing_message.ts";

/** What is known of a record. */
export interface KeptRecord {
  /** Its offset. */
  readonly offset: number;
  /** What is kept of it. */
  readonly data: string;
  /** How old it was when it came here, in milliseconds; `undefined` when nobody knows. */
  readonly ageMs?: number;
}

/** A message that is kept. */
export class KeptMessage extends OutgoingMessage implements KeptRecord {
  readonly offset: number;
  readonly data: string;
  readonly ageMs: number | undefined;

  /**
   * @param record The record.
   * @param message Makes the message of the wire.
   * @param json Makes it as `jsonCodec` would.
   */
  constructor({ offset, data, ageMs }: KeptRecord, message: () => ServerMessage, json: () => string) {
    super(message, undefined, json);
    this.offset = offset;
    this.data = data;
    this.ageMs = ageMs;
  }
}

/**
 * What the messages of a history look like to those who get them: those of a topic, or those of a room.
 *
 * @module
 */

import type { Position } from "../../contract/mod.ts";
import type { KeptMessage } from "../outbox/kept_message.ts";
import type { Registry } from "./registry.ts";

/** How records become messages, and who gets them. */
export interface RecordForm {
  /** What the history is of, for errors. */
  readonly what: "topic" | "room";
  /**
   * What is sent of a record.
   *
   * @param name The topic or room.
   * @param offset The record's offset.
   * @param data What is kept of it.
   * @param ageMs How old it is, in milliseconds, where that is known.
   */
  message(name: string, offset: number, data: string, ageMs?: number): KeptMessage;
  /** Sends what {@linkcode RecordForm.message} made to those of this node. */
  deliver(registry: Registry, channel: string, message: KeptMessage): void;
  /** Tells those of this node that messages may be missing, and where the stream goes on. */
  gap(registry: Registry, channel: string, name: string, position: Position): void;
}

/**
 * The form of the messages of a history, as clients get them. Topics and rooms have different forms.
 *
 * @module
 */

import type { Position } from "../../contract/mod.ts";
import type { KeptMessage } from "../outbox/kept_message.ts";
import type { Registry } from "./registry.ts";

/** Makes messages from records, and delivers them. */
export interface RecordForm {
  /** The kind of the history, for errors. */
  readonly what: "topic" | "room";
  /**
   * Makes the message of a record.
   *
   * @param name The topic or room.
   * @param offset The record's offset.
   * @param data The record's data in the store.
   * @param ageMs Its age in milliseconds, if known.
   */
  message(name: string, offset: number, data: string, ageMs?: number): KeptMessage;
  /** Sends a message from {@linkcode RecordForm.message} to the subscribers or members on this node. */
  deliver(registry: Registry, channel: string, message: KeptMessage): void;
  /**
   * Tells the subscribers or members on this node that messages may be missing, and at which position the stream goes
   * on.
   */
  gap(registry: Registry, channel: string, name: string, position: Position): void;
}

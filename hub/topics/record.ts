/**
 * A message of a topic with history, as text. It is written once, for the store, the other nodes and all JSON clients.
 *
 * @module
 */

import { HubError, readJson, writeJsonMessage } from "../../contract/mod.ts";
import type { RecordForm } from "../groups/record_form.ts";
import { KeptMessage } from "../outbox/kept_message.ts";
import { OutgoingMessage } from "../outbox/outgoing_message.ts";

/**
 * Writes a payload.
 *
 * @param topic The topic, for the error.
 * @param payload The payload; `undefined` is written as empty text.
 * @throws {HubError} `BAD_REQUEST` when JSON cannot carry the payload.
 */
export function writeRecord(topic: string, payload: unknown): string {
  const text = writeJsonMessage(["rec", topic, payload]);
  return text.slice(JSON.stringify(["rec", topic]).length, -1);
}

/**
 * Reads a payload.
 *
 * @param data The text from {@linkcode writeRecord}.
 * @throws {HubError} `BAD_REQUEST` when the text is not JSON.
 */
export function readRecord(data: string): unknown {
  if (data === "") return undefined;
  try {
    return readJson(data);
  } catch (cause) {
    throw new HubError("BAD_REQUEST", "Cannot read a message of a history: it is not JSON", { cause });
  }
}

/**
 * Writes a message of the bus, or of the wire in JSON: its kind, a text, a number, an id if there is one, and a payload
 * that is already text.
 */
export function spliced(kind: string, text: string, number: number, data: string, id?: string): string {
  const head = `["${kind}",${JSON.stringify(text)},${number}`;
  return `${id === undefined ? head : `${head},${JSON.stringify(id)}`}${data === "" ? "]" : `,${data}]`}`;
}

/** The message of a record, for the subscribers of a topic. */
export class RecordMessage extends KeptMessage {
  /**
   * @param topic The topic's name.
   * @param offset Its offset.
   * @param data Its payload, as {@linkcode writeRecord} writes it.
   * @param ageMs How old it is, in milliseconds.
   */
  constructor(topic: string, offset: number, data: string, ageMs?: number) {
    super(
      { offset, data, ageMs },
      () => ["rec", topic, offset, readRecord(data)],
      () => spliced("rec", topic, offset, data),
    );
  }
}

/** The form of the messages of topics. */
export const TOPIC_FORM: RecordForm = {
  what: "topic",
  message: (topic, offset, data, ageMs) => new RecordMessage(topic, offset, data, ageMs),
  deliver: (registry, channel, message) => registry.deliver(channel, message),
  gap: (registry, channel, topic, position) =>
    registry.deliver(channel, new OutgoingMessage(["gap", topic, position])),
};

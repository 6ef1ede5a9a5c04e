/**
 * An event of the contract, and its messages.
 *
 * @module
 */

import { type Entry, parseNow } from "../../contract/mod.ts";
import { DROPPABLE, OutgoingMessage } from "../outbox/outgoing_message.ts";
import type { Audience } from "./group.ts";

/** An event of the contract. */
export class Event {
  /** Its name. */
  readonly name: string;
  /** The roles that have it; absent if all have it. */
  readonly audience: Audience | undefined;
  readonly #schema: NonNullable<Entry["payload"]>;

  /**
   * @param name Its name.
   * @param schema The schema of its payload.
   * @param isShared Whether all roles have it.
   */
  constructor(name: string, schema: NonNullable<Entry["payload"]>, isShared: boolean) {
    this.name = name;
    this.audience = isShared ? undefined : { event: name };
    this.#schema = schema;
  }

  /**
   * Checks a payload.
   *
   * @throws {HubError} `VALIDATION`.
   */
  parse(payload: unknown): unknown {
    return parseNow(this.#schema, payload, "event", this.name);
  }

  /** Makes a message to clients, with a checked payload. */
  message(parsed: unknown): OutgoingMessage {
    return new OutgoingMessage(["ev", this.name, parsed], DROPPABLE);
  }
}

/**
 * A message of a room with history, which connections are told of in different ways.
 *
 * @module
 */

import { KeptMessage } from "./kept_message.ts";
import type { OutgoingMessage } from "./outgoing_message.ts";

/** What those get whom it is for, and in its place the others. */
export abstract class SharedRecord extends KeptMessage {
  /** The event: those whose role has it get it. */
  abstract readonly event: string;
  /** Whom it is not for, by the id of the connection. */
  abstract readonly except: string | null;
  /** For those whom it is not for: the offset alone. */
  abstract readonly hidden: OutgoingMessage;
  /** For those who know nothing of rooms with history. */
  abstract readonly plain: OutgoingMessage;
}

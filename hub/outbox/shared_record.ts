/**
 * A message of a room with history. Its connections get it in different forms.
 *
 * @module
 */

import { KeptMessage } from "./kept_message.ts";
import type { OutgoingMessage } from "./outgoing_message.ts";

/** A record of a room in three forms: in full, hidden (the offset alone), and plain (for clients without history). */
export abstract class SharedRecord extends KeptMessage {
  /** The event. Only connections whose role has this event get it. */
  abstract readonly event: string;
  /** The id of the connection that does not get the event. */
  abstract readonly except: string | null;
  /** For connections that must not see the event: the offset alone. */
  abstract readonly hidden: OutgoingMessage;
  /** For clients that do not know rooms with history. */
  abstract readonly plain: OutgoingMessage;
}

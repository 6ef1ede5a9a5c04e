/**
 * The rules that all outboxes of a hub share.
 *
 * @module
 */

import type { Clock } from "../../contract/mod.ts";
import type { HoldQueueLimits } from "./hold_queue.ts";
import type { FrameLimits } from "./turn.ts";

/** The limits of an outbox. */
export interface OutboxLimits extends HoldQueueLimits, FrameLimits {
  /** From this many unsent bytes of the link on, messages wait in the queue. */
  readonly highWaterBytes: number;
}

/** The rules that all outboxes share. */
export interface OutboxRules {
  /** The limits. */
  readonly limits: OutboxLimits;
  /** The clock for the time that a queue may exceed its limits. */
  readonly clock: Clock;
  /**
   * A link threw an error. Its connection ends.
   *
   * @param error The error.
   */
  failed?(error: unknown): void;
}

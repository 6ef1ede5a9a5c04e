/**
 * What the subscriber of a shard is told, and what it tells.
 *
 * @module
 */

import type { Clock } from "../../../contract/clock.ts";
import type { FailureKind } from "../../kit/failure.ts";
import type { Moved } from "../errors.ts";
import type { ClusterLink, ClusterLinkEvents } from "../link.ts";

/** Options of `Subscriber`. */
export interface SubscriberOptions {
  readonly clock: Clock;
  /** How long connecting may take. */
  readonly connectTimeoutMs: number;
  /** How long an answer may take. */
  readonly answerMs: number;
  connect(events: ClusterLinkEvents): ClusterLink | Promise<ClusterLink>;
  /** A message, with the name of its channel in Redis. */
  onMessage(name: string, data: Uint8Array<ArrayBuffer>): void;
  /** A slot has moved. */
  onMoved(moved: Moved): void;
  /** The connection is gone. */
  onLost(cause: unknown): void;
  /** Redis has refused something. A new look at the cluster may show why. */
  onTrouble(): void;
  /** Redis refuses a channel that was live before. */
  onRefused(error: Error, channel: string | undefined): void;
  /** The connection could not be made. */
  onFailure(cause: unknown): FailureKind;
}

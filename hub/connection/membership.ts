/**
 * A connection's place in a group, as the connection keeps it.
 *
 * @module
 */

/** A connection's place in a group, from the moment it asks. */
export interface Membership {
  /** The room, where the group is one. */
  readonly room: string | undefined;
  /** Whether it is in. */
  readonly live: boolean;
  /** Resolves when it is in and the channel is live; rejects when that fails or it left meanwhile. */
  readonly ready: Promise<void>;
  /** Gives the channel back. */
  release(): void;
}

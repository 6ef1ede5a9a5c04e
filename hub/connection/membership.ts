/**
 * The membership of a connection in a group, as the connection keeps it.
 *
 * @module
 */

/** The membership of a connection in a group, from the moment when it asks to join. */
export interface Membership {
  /** The room, if the group is a room. */
  readonly room: string | undefined;
  /** Whether the connection is in the group. */
  readonly live: boolean;
  /**
   * Resolves when the connection is in the group and the channel is live. Rejects when that fails, or the connection left in the meantime.
   */
  readonly ready: Promise<void>;
  /** Releases the channel. */
  release(): void;
}

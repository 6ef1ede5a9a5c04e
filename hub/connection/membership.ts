/**
 * The membership of a connection in a group, as the connection keeps it.
 *
 * @module
 */

/** The membership of a connection in a group, from the moment when it asks to join. */
export interface Membership {
  /** The room, if the group is a room. */
  readonly room: string | undefined;
  /** Whether it is in. */
  readonly live: boolean;
  /**
   * Resolves when it is in and the channel is live. Rejects when that fails, or the connection left in the meantime.
   */
  readonly ready: Promise<void>;
  /** Releases the channel. */
  release(): void;
}

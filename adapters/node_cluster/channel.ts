/**
 * The pipe between a process and one that it has forked, as both ends see it.
 *
 * @module
 */

/**
 * One end of the pipe between two processes: `process` in a process that was forked, a `ChildProcess` of `node:child_process`
 * in the one that forked it.
 */
export interface IpcChannel {
  /** Whether the other end is there. */
  readonly connected: boolean;
  /** Sends a value as JSON. */
  send?(message: unknown, callback: (error: Error | null) => void): unknown;
  /** Hears what the other end sends, or that it is gone. */
  on(event: "message" | "disconnect", listener: (message: unknown) => void): unknown;
  /** Hears no more. */
  off(event: "message" | "disconnect", listener: (message: unknown) => void): unknown;
}

/**
 * Sends a frame. Does not throw: of a pipe that is gone its `disconnect` tells.
 *
 * @param channel The pipe.
 * @param frame What to send.
 */
export function post(channel: IpcChannel, frame: readonly unknown[]): void {
  try {
    // Without a callback some platforms throw in another turn.
    if (channel.connected) channel.send!(frame, () => {});
  } catch {
    // It went while we looked.
  }
}

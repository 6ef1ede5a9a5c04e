/**
 * The pipe between a process and a process that it has forked. Both ends have the same form.
 *
 * @module
 */

/**
 * One end of the pipe between two processes. In the forked process it is `process`; in its parent it is a
 * `ChildProcess` of `node:child_process`.
 */
export interface IpcChannel {
  /** Whether the other end is there. */
  readonly connected: boolean;
  /** Sends a value as JSON. */
  send?(message: unknown, callback: (error: Error | null) => void): unknown;
  /** Listens for messages of the other end, or for its loss. */
  on(event: "message" | "disconnect" | "exit", listener: (message: unknown) => void): unknown;
  /** Removes a listener. */
  off(event: "message" | "disconnect" | "exit", listener: (message: unknown) => void): unknown;
  /** How many listeners an event may have before the runtime warns of a leak; 0 for any number. */
  getMaxListeners?(): number;
  /** Sets that number. */
  setMaxListeners?(count: number): unknown;
}

/**
 * Raises or lowers the limit of listeners for one session. Each adapter has its own listeners, which are no leak.
 *
 * @param channel The pipe.
 * @param more 1 for a new session, -1 for one that ends.
 */
export function makeRoom(channel: IpcChannel, more: 1 | -1): void {
  const most = channel.getMaxListeners?.();
  // No limit stays no limit. Other code may have lowered the limit meanwhile.
  if (most) channel.setMaxListeners?.(Math.max(1, most + more));
}

/**
 * Sends a frame. Does not throw.
 *
 * @param channel The pipe.
 * @param frame The frame.
 * @param onGone Called when the pipe is gone. If the other process ended with unread data, Deno reports that only here:
 * it emits no `disconnect`, and the pipe still counts as connected.
 */
export function post(channel: IpcChannel, frame: readonly unknown[], onGone: (error: unknown) => void): void {
  try {
    if (channel.connected) channel.send!(frame, (error) => error && onGone(error));
  } catch (error) {
    onGone(error);
  }
}

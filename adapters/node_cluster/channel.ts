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
  on(event: "message" | "disconnect" | "exit", listener: (message: unknown) => void): unknown;
  /** Hears no more. */
  off(event: "message" | "disconnect" | "exit", listener: (message: unknown) => void): unknown;
  /** How many listeners an event may have before the runtime warns of a leak; 0 for any number. */
  getMaxListeners?(): number;
  /** Changes that. */
  setMaxListeners?(count: number): unknown;
}

/**
 * Makes room for the listeners of one session more, or one less: each adapter has its own, and they are no leak.
 *
 * @param channel The pipe.
 * @param more How many.
 */
export function makeRoom(channel: IpcChannel, more: 1 | -1): void {
  const most = channel.getMaxListeners?.();
  // Infinitely many stay so. Somebody else may have set less meanwhile.
  if (most) channel.setMaxListeners?.(Math.max(1, most + more));
}

/**
 * Sends a frame. Does not throw.
 *
 * @param channel The pipe.
 * @param frame What to send.
 * @param onGone Called when the pipe is gone. When the other process ended with something unread, Deno says so here alone: it
 * tells no `disconnect`, and takes the pipe for connected.
 */
export function post(channel: IpcChannel, frame: readonly unknown[], onGone: (error: unknown) => void): void {
  try {
    if (channel.connected) channel.send!(frame, (error) => error && onGone(error));
  } catch (error) {
    onGone(error);
  }
}

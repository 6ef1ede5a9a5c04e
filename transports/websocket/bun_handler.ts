/**
 * What Bun's server and its sockets look like, as far as they are used here.
 *
 * @module
 */

import type { Encoded } from "../../contract/mod.ts";

/** A server-side WebSocket of Bun, as far as it is used here. */
export interface BunSocket {
  /** What the upgrade attached, until something else is put in its place. */
  data: unknown;
  /** Sends, compressed where asked and agreed; answers -1 when it had to buffer, 0 when it dropped the frame. */
  send(frame: Encoded, compress?: boolean): number;
  /** Closes. */
  close(code?: number, reason?: string): void;
  /** Bytes that wait. */
  getBufferedAmount(): number;
}

/** What Bun's server takes as `websocket` beside `fetch`. */
export interface BunWebSocketHandler {
  /** The largest frame taken, in bytes. */
  readonly maxPayloadLength: number;
  /** Seconds without a sign of life after which Bun closes; 0 for never. */
  readonly idleTimeout: number;
  /** Bytes that may wait on one socket. */
  readonly backpressureLimit: number;
  /** Whether Bun closes a socket above `backpressureLimit` by itself. */
  readonly closeOnBackpressureLimit: boolean;
  /** Whether Bun pings by itself. */
  readonly sendPings: boolean;
  /** Whether frames are compressed. */
  readonly perMessageDeflate: boolean;
  /** A socket is open. */
  open(socket: BunSocket): void;
  /** A frame arrived. */
  message(socket: BunSocket, frame: string | Uint8Array): void;
  /** What waited has left. */
  drain(socket: BunSocket): void;
  /** A socket is gone. */
  close(socket: BunSocket, code: number, reason: string): void;
}

/**
 * The types of Bun's server and its sockets, as far as they are used here.
 *
 * @module
 */

import type { Encoded } from "../../contract/mod.ts";

/** A server-side WebSocket of Bun, as far as it is used here. */
export interface BunSocket {
  /** The value from the upgrade. It can be replaced. */
  data: unknown;
  /** The class of bytes that arrive. At first it is Bun's `Buffer`. */
  binaryType?: string;
  /**
   * Sends a frame, compressed if asked for and agreed. Returns -1 when it had to buffer, 0 when it dropped the frame.
   */
  send(frame: Encoded, compress?: boolean): number;
  /** Closes the socket. */
  close(code?: number, reason?: string): void;
  /** The number of bytes that wait to be sent. */
  getBufferedAmount(): number;
}

/** The value that Bun's server takes as `websocket` beside `fetch`. */
export interface BunWebSocketHandler {
  /** The largest frame that is accepted, in bytes. */
  readonly maxPayloadLength: number;
  /** After this many seconds without data, Bun closes the socket; 0: never. */
  readonly idleTimeout: number;
  /** How many bytes may wait on one socket. */
  readonly backpressureLimit: number;
  /** Whether Bun closes a socket whose waiting bytes exceed `backpressureLimit`. */
  readonly closeOnBackpressureLimit: boolean;
  /** Whether Bun sends pings by itself. */
  readonly sendPings: boolean;
  /** Whether frames are compressed. */
  readonly perMessageDeflate: boolean;
  /** A socket is open. */
  open(socket: BunSocket): void;
  /** A frame arrived. */
  message(socket: BunSocket, frame: string | Uint8Array): void;
  /** The waiting bytes have left. */
  drain(socket: BunSocket): void;
  /** A socket is closed. */
  close(socket: BunSocket, code: number, reason: string): void;
}

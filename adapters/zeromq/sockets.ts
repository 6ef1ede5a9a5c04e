/**
 * What all sockets have in common.
 *
 * @module
 */

/** The largest frame that a socket takes: memory for it is had before it is there. Above every message that may be sent. */
const MAX_FRAME_BYTES = 80 * 1024 * 1024;

/** Times of a socket. */
export interface SocketTimes {
  readonly connectTimeoutMs: number;
  readonly probeIntervalMs: number;
  readonly probeTimeoutMs: number;
}

/**
 * Makes the options of a socket: connections that are silent are given up by the library too, which frees what they hold. What
 * waits to be sent is bounded by whoever sends it.
 *
 * @param times Its times.
 * @param addresses Where it listens, or connects to.
 */
export function socketOptions(
  { connectTimeoutMs, probeIntervalMs, probeTimeoutMs }: SocketTimes,
  ...addresses: readonly string[]
): {
  readonly ipv6: boolean;
  readonly linger: number;
  readonly sendTimeout: number;
  readonly receiveTimeout: number;
  readonly sendHighWaterMark: number;
  readonly maxMessageSize: number;
  readonly connectTimeout: number;
  readonly handshakeInterval: number;
  readonly heartbeatInterval: number;
  readonly heartbeatTimeout: number;
} {
  return {
    ipv6: addresses.some((address) => address.includes("[")),
    linger: 0,
    // See `pump.ts`.
    sendTimeout: 0,
    receiveTimeout: 0,
    sendHighWaterMark: 0,
    maxMessageSize: MAX_FRAME_BYTES,
    connectTimeout: connectTimeoutMs,
    handshakeInterval: connectTimeoutMs,
    heartbeatInterval: probeIntervalMs,
    heartbeatTimeout: probeTimeoutMs,
  };
}

/**
 * Options that all sockets share.
 *
 * @module
 */

/**
 * The largest frame that a socket accepts, because the library allocates its memory before it arrives. Larger than
 * every message that may be sent.
 */
const MAX_FRAME_BYTES = 80 * 1024 * 1024;

/** The timeouts of a socket. */
export interface SocketTimes {
  readonly connectTimeoutMs: number;
  readonly probeIntervalMs: number;
  readonly probeTimeoutMs: number;
}

/**
 * Returns the options of a socket. The library too closes silent connections, and so frees their memory. The caller
 * limits the data that wait to be sent.
 *
 * @param times The timeouts.
 * @param addresses The addresses to listen on, or to connect to.
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

/**
 * The WebSocket close codes. 4000–4499: reconnect, with backoff and jitter. 4500–4999: do not reconnect by yourself.
 *
 * @module
 */

/** The node is shutting down; another one will serve. */
export const GOING_AWAY = 4000;

/** Nothing was heard from the other side for too long. */
export const HEARTBEAT_TIMEOUT = 4001;

/** The client did not read as fast as it was sent to, beyond the outbox's bounds. */
export const SLOW_CONSUMER = 4002;

/** No hello arrived within the handshake deadline. */
export const HANDSHAKE_TIMEOUT = 4003;

/** A connection limit (of the hub, a user or an address) is reached. */
export const CONNECTION_LIMIT = 4004;

/** The client kept sending beyond its rate. */
export const RATE_LIMITED = 4005;

/** The server failed while it accepted the connection. */
export const INTERNAL = 4006;

/** A frame that is not of the protocol. */
export const PROTOCOL_ERROR = 4500;

/** Authentication failed. */
export const UNAUTHENTICATED = 4501;

/** The role does not exist, or is not for this client. A refused Origin is answered 403 before the upgrade. */
export const FORBIDDEN = 4502;

/** No common version of the protocol. */
export const UNSUPPORTED_VERSION = 4503;

/** A frame above the size limit. */
export const FRAME_TOO_LARGE = 4504;

/** The application disconnected this client. */
export const DISCONNECTED = 4505;

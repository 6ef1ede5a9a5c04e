/**
 * The WebSocket close codes. After 4000–4499 a client reconnects, with backoff and jitter. After 4500–4999 it does
 * not reconnect by itself.
 *
 * @module
 */

/** The node is shutting down. Another node can serve the client. */
export const GOING_AWAY = 4000;

/** The other side sent nothing for too long. */
export const HEARTBEAT_TIMEOUT = 4001;

/** The client read too slowly, and its outbox grew beyond its limits. */
export const SLOW_CONSUMER = 4002;

/** The hello, or the server's decision on it, did not come in time. */
export const HANDSHAKE_TIMEOUT = 4003;

/** The hub, the user or the address has reached its limit of connections, or too many clients connect at once. */
export const CONNECTION_LIMIT = 4004;

/** The client kept sending faster than its rate limit. */
export const RATE_LIMITED = 4005;

/** The server failed while it accepted the connection. */
export const INTERNAL = 4006;

/** The client or the server sent a frame that is not of the protocol. */
export const PROTOCOL_ERROR = 4500;

/** Authentication failed. */
export const UNAUTHENTICATED = 4501;

/**
 * The role does not exist, or this client may not have it. (The server answers a refused Origin with 403, before the
 * upgrade.)
 */
export const FORBIDDEN = 4502;

/** The client and the server have no version of the protocol in common. */
export const UNSUPPORTED_VERSION = 4503;

/** A frame is larger than the limit. */
export const FRAME_TOO_LARGE = 4504;

/** The application disconnected this client. */
export const DISCONNECTED = 4505;

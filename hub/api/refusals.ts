/**
 * Why a hub refuses clients.
 *
 * @module
 */

/** Why a client was not let in, or was cut off for what it did. */
export const REFUSAL_REASONS = [
  /** The Origin of a page is not allowed: HTTP 403. */
  "origin",
  /** The hub has not started to serve: HTTP 503. */
  "starting",
  /** The hub shuts down: HTTP 503. */
  "closing",
  /** `maxConnections` or `maxHandshakes`: HTTP 503. */
  "full",
  /** `maxConnectionsPerAddress` or `maxHandshakesPerAddress`: HTTP 429. */
  "address",
  /** `maxConnectionsPerUser`. */
  "user",
  /** The request cannot become a link here: HTTP 400, 426, 501. */
  "upgrade",
  /** No subprotocol that the hub speaks. */
  "version",
  /** `handshakeTimeoutMs`. */
  "handshake-timeout",
  /** `authenticate` or `onConnection` said `UNAUTHENTICATED`. */
  "unauthenticated",
  /** `authenticate` or `onConnection` said `FORBIDDEN`. */
  "forbidden",
  /** The role does not exist, or is another than `authenticate` gave. */
  "role",
  /** `authenticate` or `onConnection` threw a `HubError` with another code. */
  "application",
  /** Code of the application threw something else, or answered what nobody can use: HTTP 500 before the upgrade. */
  "failed",
  /** What the client said is not of the protocol. */
  "protocol",
  /** A frame above `maxFrameBytes`. */
  "frame-size",
  /** More messages than the rate, or than may wait. */
  "rate",
] as const;

/** Why a client was not let in, or was cut off for what it did; see `docs/operations.md`. */
export type RefusalReason = (typeof REFUSAL_REASONS)[number];

/** How many clients were refused since the hub was created, by reason. */
export type RefusalCounts = Readonly<Record<RefusalReason, number>>;

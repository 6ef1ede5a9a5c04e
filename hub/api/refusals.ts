/**
 * Why a hub refuses clients.
 *
 * @module
 */

/** How many clients were not let in, or were cut off for what they did, since the hub was created, by reason. */
export interface RefusalCounts {
  /** The Origin of a page is not allowed: HTTP 403. */
  readonly origin: number;
  /** The hub has not started to serve: HTTP 503. */
  readonly starting: number;
  /** The hub shuts down: HTTP 503. */
  readonly closing: number;
  /** `maxConnections` or `maxHandshakes`: HTTP 503. */
  readonly full: number;
  /** `maxConnectionsPerAddress` or `maxHandshakesPerAddress`: HTTP 429. */
  readonly address: number;
  /** `maxConnectionsPerUser`. */
  readonly user: number;
  /** More clients at once than `maxAuthenticating` lets in soon: told when to come back. */
  readonly busy: number;
  /** The request cannot become a link here: HTTP 400, 426, 501. */
  readonly upgrade: number;
  /** No subprotocol that the hub speaks. */
  readonly version: number;
  /** `handshakeTimeoutMs`. */
  readonly "handshake-timeout": number;
  /** `authenticate` or `onConnection` said `UNAUTHENTICATED`. */
  readonly unauthenticated: number;
  /** `authenticate` or `onConnection` said `FORBIDDEN`. */
  readonly forbidden: number;
  /** The role does not exist, or is another than `authenticate` gave. */
  readonly role: number;
  /** `authenticate` or `onConnection` threw a `HubError` with another code. */
  readonly application: number;
  /** Code of the application threw something else, or answered what nobody can use: HTTP 500 before the upgrade. */
  readonly failed: number;
  /** What the client said is not of the protocol. */
  readonly protocol: number;
  /** A frame above `maxFrameBytes`. */
  readonly "frame-size": number;
  /** More messages than the rate, or than may wait. */
  readonly rate: number;
}

/** Why a client was refused, or was disconnected because of something that it did; see {@linkcode RefusalCounts}. */
export type RefusalReason = keyof RefusalCounts;

/**
 * Why a hub refuses clients.
 *
 * @module
 */

/** The number of clients that the hub refused, or disconnected for what they did, since it was created, by reason. */
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
  /** More clients at once than `maxAuthenticating` can handle soon: the hub tells the client when to come back. */
  readonly busy: number;
  /** The HTTP request cannot become a WebSocket or other link here: HTTP 400, 426, 501. */
  readonly upgrade: number;
  /** The client offered no subprotocol that the hub speaks. */
  readonly version: number;
  /** `handshakeTimeoutMs`. */
  readonly "handshake-timeout": number;
  /** `authenticate` or `onConnection` threw `UNAUTHENTICATED`. */
  readonly unauthenticated: number;
  /** `authenticate` or `onConnection` threw `FORBIDDEN`. */
  readonly forbidden: number;
  /** The role does not exist, or is not the role that `authenticate` gave. */
  readonly role: number;
  /** `authenticate` or `onConnection` threw a `HubError` with another code. */
  readonly application: number;
  /** Code of the application threw another error or returned an unusable value: HTTP 500 before the upgrade. */
  readonly failed: number;
  /** The client broke the protocol. */
  readonly protocol: number;
  /** A frame larger than `maxFrameBytes`. */
  readonly "frame-size": number;
  /** More messages than the rate allows, or than may wait. */
  readonly rate: number;
}

/** Why the hub refused or disconnected a client; see {@linkcode RefusalCounts}. */
export type RefusalReason = keyof RefusalCounts;

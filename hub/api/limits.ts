/**
 * The limits of a hub.
 *
 * @module
 */

/** The limits of one hub. Everything that a client can make grow has a limit. */
export interface HubLimits {
  /**
   * The largest frame that a client may send, in bytes (of UTF-8 for text).
   *
   * @default {262144}
   */
  readonly maxFrameBytes?: number;
  /**
   * Messages a second that one connection may send on average.
   *
   * @default {500}
   */
  readonly messagesPerSecond?: number;
  /**
   * Messages that one connection may send at once. The hub refuses further messages with `RATE_LIMITED`. It closes
   * the connection when it has refused as many messages as this limit. After an idle time up to 1/64 more may pass,
   * at most 16, because the hub does not read the clock for every message.
   *
   * @default {1000}
   */
  readonly messageBurst?: number;
  /**
   * Topics that one connection may subscribe to.
   *
   * @default {1000}
   */
  readonly maxSubscriptions?: number;
  /**
   * Requests of one connection that wait for an answer, in each direction.
   *
   * @default {1000}
   */
  readonly maxPendingRequests?: number;
  /**
   * Bytes of the frames of one connection that have a message waiting or being handled. Beyond this limit the hub
   * refuses requests and signals with `RATE_LIMITED`. If a message would have to wait, the hub closes the connection.
   *
   * @default {8388608}
   */
  readonly maxPendingBytes?: number;
  /**
   * Messages of histories that the hub may send one connection at once, over all its topics. The same number holds
   * for members of presence, in lists and pages. The used part comes back at the rate of `messagesPerSecond`. Until
   * then the hub refuses a subscribe with a position, or a question for members, with `RATE_LIMITED`.
   *
   * @default {100000}
   */
  readonly recoveryBurst?: number;
  /**
   * Connections of this hub, also before they have sent a hello.
   *
   * @default {Infinity}
   */
  readonly maxConnections?: number;
  /**
   * Connections of one user on this hub.
   *
   * @default {Infinity}
   */
  readonly maxConnectionsPerUser?: number;
  /**
   * Connections of one address on this hub. IPv6 addresses count by their first 64 bits, because a provider gives
   * these to one customer. An IPv4 address written as IPv6 counts as the IPv4 address.
   *
   * @default {Infinity}
   */
  readonly maxConnectionsPerAddress?: number;
  /**
   * Links of this hub that are not authenticated yet. A link is the open transport of one client, for example a
   * WebSocket.
   *
   * @default {10000}
   */
  readonly maxHandshakes?: number;
  /**
   * Links of one address that are not authenticated yet.
   *
   * @default {Infinity}
   */
  readonly maxHandshakesPerAddress?: number;
  /**
   * Calls of `authenticate` at the same time. Further clients wait in the order in which they came, for at most half
   * of what is left of `handshakeTimeoutMs`. The hub tells a client that would wait longer when to come back.
   *
   * @default {100}
   */
  readonly maxAuthenticating?: number;
  /**
   * How long a client may take to send its hello and be authenticated, in milliseconds.
   *
   * @default {10000}
   */
  readonly handshakeTimeoutMs?: number;
  /**
   * History reads for clients at the same time: for clients that come back or ask for a page. Further reads wait in
   * order.
   *
   * @default {64}
   */
  readonly maxHistoryReads?: number;
  /**
   * How long the hub remembers a request with an id after it is done, in milliseconds. If the client sends it again
   * in this time, the hub answers it and does not run the handler again. Choose a longer time than any handler takes.
   * With a shared store, a second node may run the handler of a request that takes longer.
   *
   * @default {300000}
   */
  readonly requestIdMs?: number;
  /**
   * Requests with an id that this hub remembers, also while they are handled. A user may have a tenth of them: beyond
   * that the hub refuses the user's requests with an id with `RATE_LIMITED`. Anonymous clients of one address count as
   * one user. Beyond the whole number it refuses such requests with `UNAVAILABLE`. It forgets no request before its
   * time.
   *
   * @default {10000}
   */
  readonly maxRequestIds?: number;
  /**
   * Bytes of all remembered answers together. A user may have a tenth of them, and one answer may have at most
   * 65,536. The hub does not keep an answer beyond this limit. If the client sends such a request again, the hub
   * answers `TOO_LARGE` and does not run the handler again.
   *
   * @default {16777216}
   */
  readonly maxRequestIdBytes?: number;
  /**
   * Topics with a history in this hub's own memory. Topics in a shared store do not count. Beyond it, the hub drops the
   * history that was unused longest.
   *
   * @default {10000}
   */
  readonly maxHistories?: number;
  /**
   * Bytes of these histories together. Beyond it, the hub drops the history that was unused longest.
   *
   * @default {67108864}
   */
  readonly maxHistoryBytes?: number;
  /** The outbox of each connection. */
  readonly outbox?: HubOutboxLimits;
}

/** The limits of the outbox of each connection. */
export interface HubOutboxLimits {
  /**
   * Messages held for a slow connection.
   *
   * @default {10000}
   */
  readonly maxMessages?: number;
  /**
   * Bytes (of UTF-8 for text) held for a slow connection.
   *
   * @default {1048576}
   */
  readonly maxBytes?: number;
  /**
   * When a link has this many unsent bytes, the hub begins to hold messages.
   *
   * @default {262144}
   */
  readonly highWaterBytes?: number;
  /**
   * Messages in one frame.
   *
   * @default {512}
   */
  readonly maxFrameMessages?: number;
}

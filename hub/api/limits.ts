/**
 * The bounds of a hub.
 *
 * @module
 */

/** The bounds of one hub. Everything a client can make grow has one. */
export interface HubLimits {
  /**
   * The largest frame a client may send, in bytes (of UTF-8, where it is text).
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
   * Messages that one connection may send at once. Beyond, each is refused with `RATE_LIMITED`; after as many refused
   * messages as this the connection is closed. After an idle time up to 1/64 more go through, at most 16: the clock is not
   * read for every message.
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
   * Requests of one connection that may be without an answer, in each direction.
   *
   * @default {1000}
   */
  readonly maxPendingRequests?: number;
  /**
   * Bytes of the frames of one connection of which a message waits or is being handled. Beyond, requests and signals are refused with `RATE_LIMITED`; where they would have to wait, the connection is closed.
   *
   * @default {8388608}
   */
  readonly maxPendingBytes?: number;
  /**
   * Messages of histories that one connection may be sent again at once, over all its topics; and as many members of
   * presence, in lists and pages. What was used comes back at the rate of `messagesPerSecond`; until then a subscribe with a
   * position is refused with `RATE_LIMITED`, or what asks for members.
   *
   * @default {100000}
   */
  readonly recoveryBurst?: number;
  /**
   * Connections of this hub, those that have not said hello included.
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
   * Connections of one address on this hub. IPv6 addresses count by their first 64 bits, which one customer of a
   * provider has for itself; an IPv4 address written as IPv6 counts as the IPv4 address.
   *
   * @default {Infinity}
   */
  readonly maxConnectionsPerAddress?: number;
  /**
   * Links of this hub that are not authenticated yet.
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
   * Calls of `authenticate` at the same time. Further clients wait in the order in which they came, for half of
   * what is left of `handshakeTimeoutMs` at the most; whoever would wait longer is told when to come back.
   *
   * @default {100}
   */
  readonly maxAuthenticating?: number;
  /**
   * How long a client may take to say hello and be authenticated, in milliseconds.
   *
   * @default {10000}
   */
  readonly handshakeTimeoutMs?: number;
  /**
   * Reads of histories at the same time for clients, which come back or ask for a page; the others wait in order.
   *
   * @default {64}
   */
  readonly maxHistoryReads?: number;
  /**
   * How long requests with an id are remembered when they are done, in milliseconds: sent again within it they are answered,
   * and not done again. Let it be longer than any handler takes: where nodes share a store, a request that takes longer may be
   * done by a second node that is asked for it meanwhile.
   *
   * @default {300000}
   */
  readonly requestIdMs?: number;
  /**
   * Requests with an id that this hub remembers, those under way included. A user may have a tenth of them; beyond, its
   * requests with an id are refused with `RATE_LIMITED`. Anonymous clients of one address count as one user. Beyond all of them
   * they are refused with `UNAVAILABLE`: none is forgotten before its time.
   *
   * @default {10000}
   */
  readonly maxRequestIds?: number;
  /**
   * Bytes that the answers to them may take together, and a user's a tenth of it; of an answer, 65,536 at the most. What is
   * more is not kept: sent again, such a request is answered `TOO_LARGE`, and not done again.
   *
   * @default {16777216}
   */
  readonly maxRequestIdBytes?: number;
  /**
   * Topics whose history this hub keeps for itself, without a shared store; the one unused longest makes room.
   *
   * @default {10000}
   */
  readonly maxHistories?: number;
  /**
   * Bytes that these histories may take together; the one unused longest makes room.
   *
   * @default {67108864}
   */
  readonly maxHistoryBytes?: number;
  /** The outbox of each connection. */
  readonly outbox?: {
    /**
     * Messages held for a slow connection.
     *
     * @default {10000}
     */
    readonly maxMessages?: number;
    /**
     * Bytes (of UTF-8, where it is text) held for a slow connection.
     *
     * @default {1048576}
     */
    readonly maxBytes?: number;
    /**
     * Unsent bytes of its link from which on messages are held.
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
  };
}

/**
 * The part of a NATS connection that the adapter uses. `nats` 2 and `@nats-io/nats-core` 3 both have this part, so the
 * user may pass a connection of either.
 *
 * @module
 */

/** A server's information about itself. */
export interface NatsServerInfo {
  /** The largest message that the server takes, in bytes. */
  readonly max_payload: number;
  /** Its id. */
  readonly server_id: string;
  /** Its version, as `2.10.4`. */
  readonly version?: string;
  /** The addresses of all servers of its cluster. */
  readonly connect_urls?: string[];
}

/** The headers of an incoming message. */
export interface NatsMessageHeaders {
  /** The status of a server's own answer: 503 if there is no listener; 0 for all other messages. */
  readonly code: number;
  /** The value of a header; empty if there is none. */
  get(name: string): string;
}

/** An incoming message. */
export interface NatsMessage {
  /** The subject of the message. */
  readonly subject: string;
  /** The payload. */
  readonly data: Uint8Array;
  /** Its headers, if there are any. */
  readonly headers?: NatsMessageHeaders;
}

/** Options of {@linkcode NatsClient.publish}. */
export interface NatsPublishOptions {
  /** The subject for answers. */
  reply?: string;
  /** Headers, in the form that the library takes. */
  headers?: object;
}

/** A subscription. */
export interface NatsSubscription {
  /** Ends the subscription. */
  unsubscribe(): void;
}

/** Options of {@linkcode NatsClient.subscribe}. */
export interface NatsSubscribeOptions {
  /** Called for each message, and once with the error if the server does not permit the subscription. */
  callback: (error: Error | null, message: NatsMessage) => void;
  /** A queue group: each message goes to one of the subscriptions to the subject with the same queue. */
  queue?: string;
}

/** A connection of `nats` 2, `@nats-io/transport-node` 3, `@nats-io/transport-deno` 3 or `wsconnect` of `@nats-io/nats-core` 3. */
export interface NatsClient {
  /** The information of its server; changes with the server. */
  readonly info?: NatsServerInfo;
  /** Sends a message. */
  publish(subject: string, payload?: Uint8Array, options?: NatsPublishOptions): void;
  /** Subscribes to a subject. */
  subscribe(subject: string, options: NatsSubscribeOptions): NatsSubscription;
  /** Resolves when the server has processed everything that was sent before. */
  flush(): Promise<void>;
  /** The events of the connection. */
  status(): AsyncIterable<object>;
  /** Resolves when the connection is closed permanently, with the error that closed it, if there is one. */
  closed(): Promise<void | Error>;
  /** Whether the connection is closed permanently. */
  isClosed(): boolean;
  /** The address of its server. */
  getServer(): string;
  /** Closes the connection. */
  close(): Promise<void>;
}

/** An event of {@linkcode NatsClient.status}, in one form for both libraries. */
export interface ClientEvent {
  /** `"disconnect"`, `"reconnect"`, `"error"` and others. */
  readonly type: string;
  /** The subject of a publish that the server does not permit, if this is such an event. */
  readonly publishDenied?: string;
}

/**
 * Reads an event of a client's status.
 *
 * @param status The value from the iterator.
 * @returns The event.
 */
export function readEvent(status: object): ClientEvent {
  const { type, permissionContext, error } = status as {
    type?: unknown;
    permissionContext?: Permission;
    error?: Permission;
  };
  // The first is from version 2, the second from version 3.
  const denied = permissionContext ?? error;
  return {
    type: String(type),
    ...(denied?.operation === "publish" ? { publishDenied: denied.subject } : {}),
  };
}

interface Permission {
  readonly operation?: string;
  readonly subject?: string;
}

/**
 * The part of a NATS connection that the adapter uses. `nats` 2 and `@nats-io/nats-core` 3 have the same, so that a
 * connection of either may be passed in.
 *
 * @module
 */

/** What a server tells about itself. */
export interface NatsServerInfo {
  /** The largest message that it takes, in bytes. */
  readonly max_payload: number;
  /** Its id. */
  readonly server_id: string;
  /** The addresses of all servers of its cluster. */
  readonly connect_urls?: string[];
}

/** The headers of a message that arrives. */
export interface NatsMessageHeaders {
  /** The status of a server's own answer: 503 where nobody listens; 0 of all others. */
  readonly code: number;
  /** The value of a header; empty without one. */
  get(name: string): string;
}

/** A message as it arrives. */
export interface NatsMessage {
  /** Where it was published. */
  readonly subject: string;
  /** The payload. */
  readonly data: Uint8Array;
  /** Its headers, where it has some. */
  readonly headers?: NatsMessageHeaders;
}

/** Options of {@linkcode NatsClient.publish}. */
export interface NatsPublishOptions {
  /** Where answers are to go. */
  reply?: string;
  /** What the library takes for headers. */
  headers?: object;
}

/** A subscription. */
export interface NatsSubscription {
  /** Ends it. */
  unsubscribe(): void;
}

/** Options of {@linkcode NatsClient.subscribe}. */
export interface NatsSubscribeOptions {
  /** Called for each message, and once with the error when the server does not permit the subscription. */
  callback: (error: Error | null, message: NatsMessage) => void;
  /** Of all subscriptions to a subject with the same queue, one gets each message. */
  queue?: string;
}

/** A connection of `nats` 2, `@nats-io/transport-node` 3, `@nats-io/transport-deno` 3 or `wsconnect` of `@nats-io/nats-core` 3. */
export interface NatsClient {
  /** What its server told; changes with the server. */
  readonly info?: NatsServerInfo;
  /** Sends a message. */
  publish(subject: string, payload?: Uint8Array, options?: NatsPublishOptions): void;
  /** Subscribes to a subject. */
  subscribe(subject: string, options: NatsSubscribeOptions): NatsSubscription;
  /** Resolves when the server has dealt with all that was sent before. */
  flush(): Promise<void>;
  /** What happens to the connection. */
  status(): AsyncIterable<object>;
  /** Resolves when it is closed for good, with the error that closed it if there is one. */
  closed(): Promise<void | Error>;
  /** Whether it is closed for good. */
  isClosed(): boolean;
  /** The address of its server. */
  getServer(): string;
  /** Closes it. */
  close(): Promise<void>;
}

/** What the adapter reads from a {@linkcode NatsClient.status}; the two libraries word it differently. */
export interface ClientEvent {
  /** `"disconnect"`, `"reconnect"`, `"error"` and others. */
  readonly type: string;
  /** The subject on which the server does not permit to publish, if this is what happened. */
  readonly publishDenied?: string;
}

/**
 * Reads an event of a client's status.
 *
 * @param status What the iterator gave.
 * @returns What it means here.
 */
export function readEvent(status: object): ClientEvent {
  const { type, permissionContext, error } = status as {
    type?: unknown;
    permissionContext?: Permission;
    error?: Permission;
  };
  // Of version 2 and of version 3.
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

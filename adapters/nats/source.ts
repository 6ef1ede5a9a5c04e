/**
 * The sources of connections to NATS.
 *
 * @module
 */

import { orAborted } from "../kit/or_aborted.ts";
import type { NatsClient } from "./client.ts";
import { ConnectError, describe } from "./errors.ts";

/** Makes or gives connections. */
export interface ClientSource {
  /** Whether the adapter opens the connections and has to close them. */
  readonly owned: boolean;
  /** Their address, for errors. */
  readonly address: string;
  /** Returns a connected client. Rejects with the signal's reason, or with a {@linkcode ConnectError}. */
  connect(signal: AbortSignal): Promise<NatsClient>;
}

/** The user's connection, which reconnects by itself. */
export class GivenClient implements ClientSource {
  readonly owned = false;
  readonly #client: NatsClient;

  /** @param client The connection. */
  constructor(client: NatsClient) {
    this.#client = client;
  }

  get address(): string {
    return this.#client.getServer();
  }

  /** Waits until it is connected. Only an answer of its server proves that. */
  async connect(signal: AbortSignal): Promise<NatsClient> {
    const client = this.#client;
    const events = client.status() as AsyncIterable<{ readonly type?: unknown }> & { stop?(): void };
    const closed = client.closed().then((error): never => {
      throw finalError(error ?? undefined);
    });
    closed.catch(() => {});
    const answered = Promise.withResolvers<void>();
    // A ping that is sent while it is not connected may stay without an answer. It is sent again after a reconnect.
    const ask = () => void client.flush().then(answered.resolve, () => {});
    const watching = (async () => {
      for await (const { type } of events) if (type === "reconnect") ask();
    })();
    watching.catch(() => {});
    try {
      signal.throwIfAborted();
      if (client.isClosed()) await closed;
      ask();
      await orAborted(Promise.race([answered.promise, closed]), signal);
      return client;
    } finally {
      events.stop?.();
    }
  }
}

/** Makes the only error of the kind `"final"`. */
function finalError(cause: Error | undefined): ConnectError {
  const why = cause === undefined ? "" : ` (${describe(cause)})`;
  return new ConnectError(
    "final",
    `Cannot use the given connection to NATS: it is closed for good${why}. Connect with ` +
      "maxReconnectAttempts: -1, and create a new adapter with the new connection",
    cause,
  );
}

/**
 * Where connections to NATS come from.
 *
 * @module
 */

import { orAborted } from "../kit/or_aborted.ts";
import type { NatsClient } from "./client.ts";
import { ConnectError, describe } from "./errors.ts";

/** Gives connections. */
export interface ClientSource {
  /** Whether the connections are ours, to be closed. */
  readonly owned: boolean;
  /** Where they lead, for errors. */
  readonly address: string;
  /** Gives one that is connected. Rejects with the signal's reason, or a {@linkcode ConnectError}. */
  connect(signal: AbortSignal): Promise<NatsClient>;
}

/** The connection that the user has, which connects anew by itself. */
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

  /** Waits until it is connected; whether it is only its server's answer tells. */
  async connect(signal: AbortSignal): Promise<NatsClient> {
    const client = this.#client;
    const events = client.status() as AsyncIterable<{ readonly type?: unknown }> & { stop?(): void };
    const closed = client.closed().then((error): never => {
      throw finalError(error ?? undefined);
    });
    closed.catch(() => {});
    const answered = Promise.withResolvers<void>();
    // One that is sent while it is not connected may never be answered; it is sent again when it is.
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

/** The one error that says that it is final. */
function finalError(cause: Error | undefined): ConnectError {
  const why = cause === undefined ? "" : ` (${describe(cause)})`;
  return new ConnectError(
    "final",
    `Cannot use the connection to NATS that was given: it is closed for good${why}. Give it ` +
      "maxReconnectAttempts: -1, and create a new adapter with a new one",
    cause,
  );
}

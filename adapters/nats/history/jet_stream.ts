/**
 * JetStream requests over one core connection. A request gets an answer, a refusal, or no answer. It needs no library
 * besides the connection's own, and only one subject of the prefix for the answers.
 *
 * @module
 */

import type { Clock } from "../../../contract/clock.ts";
import type { NatsClient, NatsMessage, NatsSubscription } from "../client.ts";
import { NOBODY, RefusedError, UnansweredError } from "./errors.ts";

/** Options of {@linkcode JetStream}. */
export interface JetStreamOptions {
  readonly client: NatsClient;
  /** The start of the subjects for answers. Nothing else uses it. */
  readonly inbox: string;
  /** The start of the subjects for requests: `$JS.API`. */
  readonly api: string;
  readonly clock: Clock;
  /** How long an answer may take, in milliseconds. */
  readonly timeoutMs: number;
}

/** The largest message of a server with default options, in bytes. */
const DEFAULT_MAX_PAYLOAD = 1024 * 1024;

/** The subject and the reply subject of a message share a line; see `MAX_SUBJECT_LENGTH`. */
const MAX_SUBJECTS_LENGTH = 4_000;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

interface Pending {
  readonly subject: string;
  resolve(answer: NatsMessage): void;
  reject(error: Error): void;
}

/** A refusal of the server. */
interface Refusal {
  readonly code?: number;
  readonly err_code?: number;
  readonly description?: string;
}

/** Requests over one connection. */
export class JetStream {
  readonly #options: JetStreamOptions;
  readonly #pending = new Map<string, Pending>();
  readonly #subscription: NatsSubscription;
  #last = 0;
  #ended: Error | undefined;

  /** @param options The options. */
  constructor(options: JetStreamOptions) {
    const { client, inbox } = options;
    this.#options = options;
    this.#subscription = client.subscribe(`${inbox}.*`, {
      callback: (error, message) => {
        if (error) return this.end(new Error(`the server does not permit to subscribe to ${inbox}.*`));
        const id = message.subject.slice(inbox.length + 1);
        this.#pending.get(id)?.resolve(message);
      },
    });
  }

  /** The clock. */
  get clock(): Clock {
    return this.#options.clock;
  }

  /** The largest message that the server takes, including headers, in bytes. */
  get maxPayload(): number {
    return this.#options.client.info?.max_payload ?? DEFAULT_MAX_PAYLOAD;
  }

  /** The version of the server; `undefined` if it tells none. */
  get version(): string | undefined {
    return this.#options.client.info?.version;
  }

  /**
   * Sends a request and waits for the answer.
   *
   * @param subject The subject.
   * @param data The data.
   * @param headers Its headers, by name.
   * @returns The answer. Rejects with a {@linkcode RefusedError} or an {@linkcode UnansweredError}.
   */
  async ask(
    subject: string,
    data: Uint8Array,
    headers?: Readonly<Record<string, string>>,
  ): Promise<NatsMessage> {
    if (this.#ended) throw new RefusedError(this.#ended.message, undefined, { cause: this.#ended });
    const { client, inbox, clock, timeoutMs } = this.#options;
    const id = String(++this.#last);
    // A longer line makes the server close the connection.
    if (subject.length + inbox.length + id.length > MAX_SUBJECTS_LENGTH) {
      throw new RefusedError(`the channel is too long: its subject takes ${subject.length} bytes`);
    }
    const { promise, resolve, reject } = Promise.withResolvers<NatsMessage>();
    this.#pending.set(id, { subject, resolve, reject });
    const cancel = clock.after(
      timeoutMs,
      () => reject(new UnansweredError(`no answer within ${timeoutMs} ms`)),
    );
    try {
      try {
        const reply = `${inbox}.${id}`;
        client.publish(subject, data, { reply, ...(headers && { headers: new Headers(headers) }) });
      } catch (cause) {
        throw new RefusedError("the connection is closed", undefined, { cause });
      }
      const answer = await promise;
      if (answer.headers?.code === NOBODY) throw new RefusedError(`no server listens on ${subject}`, NOBODY);
      return answer;
    } finally {
      cancel();
      this.#pending.delete(id);
    }
  }

  /**
   * Calls the API.
   *
   * @param name The name of the call: `STREAM.INFO.name`.
   * @param request The request.
   * @returns The server's answer. Rejects as {@linkcode ask} does.
   */
  async call(name: string, request: object): Promise<unknown> {
    const { data } = await this.ask(`${this.#options.api}.${name}`, encoder.encode(JSON.stringify(request)));
    return readAnswer(data);
  }

  /** Calls the API for an answer that is not JSON. */
  async fetch(name: string, request: object): Promise<NatsMessage> {
    return await this.ask(`${this.#options.api}.${name}`, encoder.encode(JSON.stringify(request)));
  }

  /**
   * The server does not permit to publish on a subject.
   *
   * @returns Whether the subject belongs to a request.
   */
  denied(subject: string): boolean {
    let found = false;
    for (const pending of this.#pending.values()) {
      if (pending.subject !== subject) continue;
      found = true;
      pending.reject(
        new RefusedError(`the server does not permit to publish on ${subject}: grant it to this user`, 403),
      );
    }
    return found;
  }

  /** The connection is gone, or not needed any more. */
  end(cause: Error): void {
    if (this.#ended) return;
    this.#ended = cause;
    try {
      this.#subscription.unsubscribe();
    } catch {
      // The client is closed: then it has no subscriptions.
    }
    for (const { reject } of this.#pending.values()) {
      reject(new UnansweredError("the connection broke before the answer", { cause }));
    }
  }
}

/**
 * Reads an answer of the API.
 *
 * @param data The answer.
 * @throws {RefusedError} If the server refuses.
 */
export function readAnswer(data: Uint8Array): unknown {
  let answer: { readonly error?: Refusal };
  try {
    answer = JSON.parse(decoder.decode(data));
  } catch (cause) {
    throw new UnansweredError("the answer is not JSON", { cause });
  }
  const { error } = answer;
  if (!error) return answer;
  throw new RefusedError(error.description ?? `error ${error.code}`, error.err_code ?? error.code);
}

/** Headers for both libraries: they only call `encode`. */
class Headers {
  readonly #headers: Readonly<Record<string, string>>;

  constructor(headers: Readonly<Record<string, string>>) {
    this.#headers = headers;
  }

  encode(): Uint8Array {
    const lines = Object.entries(this.#headers).map(([name, value]) => `${name}: ${value}\r\n`);
    return encoder.encode(`NATS/1.0\r\n${lines.join("")}\r\n`);
  }
}

/**
 * The requests and signals that a client sends.
 *
 * @module
 */

import {
  type CallOptions,
  type Entry,
  HubError,
  parse,
  parseNow,
  type PendingCalls,
  type Schema,
  type Surface,
  throwIfAborted,
} from "../contract/mod.ts";
import { copyMessage, MAX_DEPTH, type PlainRules } from "../contract/values/plain.ts";
import { CALL, text } from "../contract/options/option_kinds.ts";
import { optional, readOptions, type Rows } from "../contract/options/read_options.ts";
import type { RequestOptions } from "./api/mod.ts";
import type { Connection } from "./connection.ts";
import type { Settings } from "./options.ts";
import { OfflineQueue } from "./offline_queue.ts";
import { type Patience, patiently, type Start } from "./patience.ts";

/** The rules for a copy: values stay as they are, and only values that can travel are allowed. */
const COPY: PlainRules = { maxDepth: MAX_DEPTH, bytes: (bytes) => bytes.slice(), name: (name) => name };

/** A request without its id. */
export interface Question {
  /** The kind of the message. */
  readonly kind: string;
  /** The name of the request, topic or place. */
  readonly name: string;
  readonly payload: unknown;
  /** Throws if the request must not be sent on this connection. */
  readonly check?: (connection: Connection) => void;
  /** The user's id of the request, which makes repeated sends the same request. */
  readonly key?: string | undefined;
}

/** A request that was sent before its connection was lost. */
interface Lost {
  readonly error: unknown;
  /** The memory of done requests that the server named in its welcome. */
  readonly once: string;
}

const REQUEST = { ...CALL, id: optional(text) } satisfies Rows<RequestOptions>;

/**
 * Copies a request that has to wait, so that later changes do not change it. If it cannot travel, it fails at once,
 * as a request that is sent at once does.
 *
 * @param question The request.
 * @throws {HubError} `BAD_REQUEST`.
 */
export function keep(question: Question): Question {
  const { name, payload } = question;
  return { ...question, payload: copyMessage(["", name, payload], COPY)[2] };
}

/** Options of {@linkcode Requests}. */
export interface RequestsOptions {
  /** The settings of the client. */
  readonly settings: Settings;
  /** What the role may send. */
  readonly surface: Surface;
  /** The requests on the current link that wait for an answer. */
  readonly calls: PendingCalls;
  /** The connection, while it is open. */
  readonly open: () => Connection | undefined;
  /** Why there is no connection, for errors. */
  readonly problem: () => string;
  /** Called when the connection becomes {@linkcode Requests.free}, before waiting requests are sent. */
  readonly opened: () => void;
}

/** Sends requests and signals: at once, or when there is a link. */
export class Requests {
  readonly #options: RequestsOptions;
  readonly #queue: OfflineQueue;
  /** The requests of `onOpen` listeners, while these run. */
  #asked: Promise<unknown>[] | undefined;
  /** One entry for each group of `onOpen` requests without answers. While there is one, other messages wait. */
  readonly #holds = new Set<object>();
  /** The requests without an answer: sent, or waiting for a link. */
  readonly #pending = new Set<Promise<unknown>>();
  /** Why there will be no link again; `undefined` while the client is not closed. */
  closed: HubError | undefined;

  /** @param options The connection and the settings. */
  constructor(options: RequestsOptions) {
    this.#options = options;
    this.#queue = new OfflineQueue(options.settings.maxQueued);
  }

  /** The connection, if it is open and all requests of `onOpen` are answered. */
  get free(): Connection | undefined {
    return this.#holds.size > 0 ? undefined : this.#options.open();
  }

  /** The answers that have not come yet. */
  get unanswered(): Iterable<Promise<unknown>> {
    return this.#pending;
  }

  /** See `Client.request`. */
  async request(name: string, input: unknown, options?: RequestOptions): Promise<unknown> {
    const entry = this.#entry(name, "request");
    const { id: key, ...rest } = readOptions("request", options, REQUEST);
    const question = { kind: key === undefined ? "req" : "once", name, payload: input, key };
    return await this.#output(entry, await this.ask(question, rest, entry.input));
  }

  /**
   * Sends a request: at once, or when there is a link.
   *
   * @param question The request.
   * @param options How long to wait, and the signal that ends the wait.
   * @param schema The schema that checks the payload.
   * @returns The answer, as it came over the wire.
   */
  async ask(question: Question, options?: CallOptions, schema?: Schema): Promise<unknown> {
    const { name } = question;
    const { settings } = this.#options;
    const { signal, timeoutMs = settings.requestTimeoutMs } = options === undefined
      ? {}
      : readOptions("request", options, CALL);
    const patience = { signal, timeoutMs, inAllMs: timeoutMs, first: this.#asked !== undefined };
    throwIfAborted(signal);
    const waiting = this.#pending.size;
    if (waiting >= settings.maxPendingRequests) {
      throw new HubError(
        "UNAVAILABLE",
        `Cannot request "${name}": ${waiting} requests wait already (maxPendingRequests)`,
      );
    }
    const answer = this.#ask(question, patience, schema);
    this.#pending.add(answer);
    this.#asked?.push(answer);
    try {
      return await answer;
    } finally {
      this.#pending.delete(answer);
    }
  }

  /** See `Client.signal`. */
  signal(name: string, payload: unknown): void {
    const entry = this.#entry(name, "signal");
    parseNow(entry.payload!, payload, "payload of", name);
    const connection = this.#ready(name, this.#asked !== undefined);
    if (connection) return connection.push(["sig", name, payload]);
    const kept = keep({ kind: "sig", name, payload });
    const failed = (error: unknown) => this.#options.settings.report(error, { stage: "signal", name });
    this.#queue.add(`"${name}"`, {
      send: () => {
        try {
          this.#options.open()?.push(["sig", name, kept.payload]);
        } catch (error) {
          failed(error);
        }
      },
      fail: failed,
    });
  }

  /**
   * The link is open: first runs the `onOpen` listeners, then sends the waiting messages.
   *
   * @param greet See {@linkcode Requests.first}.
   */
  opened(greet: () => void): void {
    this.#holds.clear();
    this.first(greet);
    this.#flush();
  }

  /**
   * Sends the messages of `onOpen` listeners first. Messages sent while `greet` runs leave at once. Later messages
   * wait until the requests that were sent while `greet` ran are answered. They wait for nothing else that the
   * listeners await.
   *
   * @param greet Calls the listeners. It must not throw.
   */
  first(greet: () => void): void {
    const outer = this.#asked;
    const asked: Promise<unknown>[] = this.#asked = [];
    greet();
    this.#asked = outer;
    if (asked.length === 0) return;
    const hold = {};
    this.#holds.add(hold);
    Promise.all(asked.map((answer) => answer.catch(() => {}))).then(() => {
      if (this.#holds.delete(hold)) this.#flush();
    });
  }

  #flush(): void {
    if (!this.free) return;
    this.#options.opened();
    this.#queue.sendAll();
  }

  /**
   * There will be no link again.
   *
   * @param error The reason.
   */
  close(error: HubError): void {
    this.closed = error;
    this.#queue.failAll(error);
  }

  #entry(name: string, kind: "request" | "signal"): Entry {
    const { surface } = this.#options;
    const entry = surface.clientToServer.get(name);
    if (entry && (kind === "request") === (entry.input !== undefined)) return entry;
    throw new HubError("NOT_FOUND", `Cannot send the ${kind} "${name}": ${surface.whyNot(kind, name)}`);
  }

  /** The connection, if it is open and not held. Throws if waiting for it makes no sense. */
  #ready(name: string, first = false): Connection | undefined {
    if (this.closed) {
      const { code, message, data } = this.closed;
      throw new HubError(code, `Cannot send "${name}": the client is closed: ${message}`, {
        cause: this.closed,
        data,
      });
    }
    const { open, settings } = this.#options;
    const connection = open();
    if (connection?.congested) {
      throw new HubError(
        "UNAVAILABLE",
        `Cannot send "${name}": the server does not read, and more than maxBufferedBytes wait`,
      );
    }
    return first || !settings.maxQueued ? connection : this.free;
  }

  /** With schemas that answer at once, requests keep the order of their calls. With other schemas they cannot. */
  #ask(question: Question, patience: Patience, schema?: Schema): Promise<unknown> {
    const { name } = question;
    const checked = schema && parse(schema, question.payload, "input of", name);
    if (!(checked instanceof Promise)) return this.#sendOrWait(question, patience);
    checked.catch(() => {});
    const kept = keep(question);
    return this.#wait(name, patience, (goOn, fail) => {
      checked.then(() => goOn((left) => this.#sendOrWait(kept, left)), fail);
      return () => {};
    });
  }

  async #sendOrWait(question: Question, patience: Patience, lost?: Lost): Promise<unknown> {
    const { name } = question;
    if (this.#ready(name, patience.first)) return await this.#send(question, patience, lost);
    const kept = keep(question);
    return await this.#wait(name, patience, (goOn, fail) =>
      this.#queue.add(`"${name}"`, {
        send: () => goOn((left) => this.#send(kept, left, lost)),
        fail,
      }));
  }

  #wait(name: string, patience: Patience, start: Start<unknown>): Promise<unknown> {
    const late = () => {
      const { open, problem } = this.#options;
      const why = open() ? "" : `: not connected: ${problem()}`;
      return new HubError("TIMEOUT", `Cannot send "${name}" within ${patience.inAllMs} ms${why}`);
    };
    return patiently(this.#options.settings.clock, patience, late, start);
  }

  async #send(question: Question, patience: Patience, lost?: Lost): Promise<unknown> {
    const { kind, name, payload, check, key } = question;
    const { calls, open, settings: { clock } } = this.#options;
    const connection = open()!;
    check?.(connection);
    const { once } = connection.welcome!;
    if (lost && lost.once !== once) throw lost.error;
    if (key !== undefined && !once) {
      throw new HubError("UNAVAILABLE", `Cannot send "${name}" with an id: the hub is too old`);
    }
    const end = clock.now() + patience.timeoutMs;
    const { id, answer } = calls.open(name, patience, (id) => connection.push(["cancel", id]));
    try {
      connection.push(key === undefined ? [kind, id, name, payload] : [kind, id, name, key, payload]);
    } catch (error) {
      calls.reject(id, error as HubError);
    }
    if (key === undefined) return await answer;
    const kept = keep(question);
    try {
      return await answer;
    } catch (error) {
      if (this.closed || open() === connection) throw error;
      const left = { ...patience, first: false, timeoutMs: Math.max(end - clock.now(), 0) };
      return await this.#sendOrWait(kept, left, { error, once: once! });
    }
  }

  /** An answer that does not fit the contract is the server's mistake, so it is also reported. */
  async #output({ name, output }: Entry, value: unknown): Promise<unknown> {
    try {
      return await parse(output as Schema, value, "answer to", name);
    } catch (error) {
      this.#options.settings.report(error, { stage: "request", name });
      throw error;
    }
  }
}

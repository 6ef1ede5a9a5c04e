/**
 * What a client says: requests that wait for their answer, and signals.
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

/** Values as they are, and no more than what travels. */
const COPY: PlainRules = { maxDepth: MAX_DEPTH, bytes: (bytes) => bytes.slice(), name: (name) => name };

/** A question without its id. */
export interface Question {
  /** The kind of the message. */
  readonly kind: string;
  /** What it asks for. */
  readonly name: string;
  readonly payload: unknown;
  /** Throws where it must not be sent on a connection. */
  readonly check?: (connection: Connection) => void;
  /** What makes it the same request however often it is sent. */
  readonly key?: string | undefined;
}

/** A question that was sent, and whose connection was lost. */
interface Lost {
  readonly error: unknown;
  /** What the server said that remembers it. */
  readonly once: string;
}

const REQUEST = { ...CALL, id: optional(text) } satisfies Rows<RequestOptions>;

/**
 * What waits is kept as it was said, and refused at once if it cannot travel: just as what leaves at once.
 *
 * @param question What is said.
 * @throws {HubError} `BAD_REQUEST`.
 */
export function keep(question: Question): Question {
  const { name, payload } = question;
  return { ...question, payload: copyMessage(["", name, payload], COPY)[2] };
}

/** Options of {@linkcode Requests}. */
export interface RequestsOptions {
  /** The client's. */
  readonly settings: Settings;
  /** What the role may say. */
  readonly surface: Surface;
  /** The questions of the present link. */
  readonly calls: PendingCalls;
  /** The connection, while it is open. */
  readonly open: () => Connection | undefined;
  /** Called when the connection becomes {@linkcode Requests.free}, before what waits for that is sent. */
  readonly opened: () => void;
}

/** Sends requests and signals, at once or when there is a link. */
export class Requests {
  readonly #options: RequestsOptions;
  readonly #queue: OfflineQueue;
  /** The requests of whoever greets the server, while that runs. */
  #asked: Promise<unknown>[] | undefined;
  /** One for each greeting that has no answer yet: whatever else is sent waits. */
  readonly #holds = new Set<object>();
  #pending = 0;
  /** Why there will be no link any more. */
  closed: HubError | undefined;

  /** @param options Where to send. */
  constructor(options: RequestsOptions) {
    this.#options = options;
    this.#queue = new OfflineQueue(options.settings.maxQueued);
  }

  /** The connection, while it is open and all that greets the server is answered. */
  get free(): Connection | undefined {
    return this.#holds.size > 0 ? undefined : this.#options.open();
  }

  /** See `Client.request`. */
  async request(name: string, input: unknown, options?: RequestOptions): Promise<unknown> {
    const entry = this.#entry(name, "request");
    const { id: key, ...rest } = readOptions("request", options, REQUEST);
    const question = { kind: key === undefined ? "req" : "once", name, payload: input, key };
    return await this.#output(entry, await this.ask(question, rest, entry.input));
  }

  /**
   * Asks, at once or when there is a link.
   *
   * @param question What.
   * @param options How patiently.
   * @param schema What checks the payload.
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
    if (this.#pending >= settings.maxPendingRequests) {
      throw new HubError("UNAVAILABLE", `Cannot request "${name}": ${this.#pending} requests wait already`);
    }
    this.#pending++;
    try {
      const answer = this.#ask(question, patience, schema);
      this.#asked?.push(answer);
      return await answer;
    } finally {
      this.#pending--;
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
   * The link is there: sends what waited for it, after what greets the server.
   *
   * @param greet See {@linkcode Requests.first}.
   */
  opened(greet: () => void): void {
    this.#holds.clear();
    this.first(greet);
    this.#flush();
  }

  /**
   * Lets what greets the server go first: what is said while this runs leaves at once, and everything else waits until
   * the requests among it are answered. It never waits for more than that: whoever greets may wait for anything.
   *
   * @param greet Says it. Does not throw.
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
   * There will be no link any more.
   *
   * @param error Why.
   */
  close(error: HubError): void {
    this.closed = error;
    this.#queue.failAll(error);
  }

  #entry(name: string, kind: "request" | "signal"): Entry {
    const entry = this.#options.surface.clientToServer.get(name);
    if (entry && (kind === "request") === (entry.input !== undefined)) return entry;
    throw new HubError("NOT_FOUND", `Cannot send the ${kind} "${name}": the role has none of this name`);
  }

  /** The connection, if it is open and not held; throws where waiting for one has no use. */
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
      throw new HubError("UNAVAILABLE", `Cannot send "${name}": the link does not keep up`);
    }
    return first || !settings.maxQueued ? connection : this.free;
  }

  /** Schemas that answer at once keep requests in the order of their calls; others cannot. */
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
    const late = () => new HubError("TIMEOUT", `Cannot send "${name}" within ${patience.inAllMs} ms`);
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
      throw new HubError("UNAVAILABLE", `Cannot send "${name}": the hub takes no ids`);
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

  /** The contract is the server's word: an answer that breaks it is an error worth hearing of. */
  async #output({ name, output }: Entry, value: unknown): Promise<unknown> {
    try {
      return await parse(output as Schema, value, "answer to", name);
    } catch (error) {
      this.#options.settings.report(error, { stage: "request", name });
      throw error;
    }
  }
}

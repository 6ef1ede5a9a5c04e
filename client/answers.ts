/**
 * Answers requests that the server sends.
 *
 * @module
 */

import {
  type Entry,
  HubError,
  isHubError,
  parse,
  promiseOf,
  type Schema,
  type Surface,
  toWireError,
} from "../contract/mod.ts";
import { isBag, wrong } from "../contract/options/read_options.ts";
import type { Connection } from "./connection.ts";
import type { Report } from "./reports/report.ts";
import type { QuestionContext } from "./api/mod.ts";

/** A handler for one kind of request. */
type Handler = (input: unknown, context: QuestionContext) => unknown;

/** Options of {@linkcode Answers}. */
export interface AnswersOptions {
  /** The server's requests and events in the contract. */
  readonly surface: Surface;
  /** How many requests may run at once. As many cancelled requests may run beside them. */
  readonly maxPending: number;
  /** Reports errors that handlers throw, except a `HubError`. */
  readonly report: Report;
}

/** Answers the server's requests, on every link of the client. */
export class Answers {
  readonly #options: AnswersOptions;
  #handlers = new Map<string, Handler>();
  readonly #running = new Map<number, AbortController>();
  /** How many handlers still run although their request was cancelled. Counted so that there is a limit. */
  #abandoned = 0;

  /** @param options The requests that the server may send. */
  constructor(options: AnswersOptions) {
    this.#options = options;
  }

  /** See `Client.implement`. */
  implement(handlers: Readonly<Record<string, Handler>>): void {
    const owner = "implement";
    if (!isBag(handlers)) {
      throw wrong(handlers, { owner, path: "the handlers" }, "an object of handlers by name");
    }
    const written = Object.entries(handlers).filter(([, handler]) => handler !== undefined);
    for (const [name, handler] of written) {
      this.#entry(name);
      if (typeof handler !== "function") throw wrong(handler, { owner, path: name }, "a function");
    }
    this.#handlers = new Map(written);
  }

  /**
   * Handles a request, and answers on the link that it came on.
   *
   * @param connection The link that the request came on.
   * @param id The request's id.
   * @param name The request's name.
   * @param input The input, as it came over the wire.
   */
  take(connection: Connection, id: number, name: string, input: unknown): void {
    this.#work(connection, id, name, input).catch((error) =>
      this.#options.report(error, { stage: "answer", name })
    );
  }

  async #work(connection: Connection, id: number, name: string, input: unknown): Promise<void> {
    const running = this.#running;
    const refusal = this.#refusal(id);
    if (refusal) return connection.answer(["err", id, toWireError(refusal)]);
    const controller = new AbortController();
    running.set(id, controller);
    // No answer is sent to a request that was cancelled, or that came on a lost link.
    const send = (message: readonly unknown[]) => {
      if (running.get(id) === controller) connection.answer(message);
    };
    try {
      const output = await this.#answer(name, input, controller.signal);
      try {
        send(["res", id, output]);
      } catch (cause) {
        // This client's own mistake, not the server's: the answer is too large, or holds a value that cannot travel.
        throw new Error(`Cannot send the answer to "${name}"`, { cause });
      }
    } catch (error) {
      if (!isHubError(error)) this.#options.report(error, { stage: "answer", name });
      try {
        send(["err", id, toWireError(error)]);
      } catch (cause) {
        const failure = new Error(`Cannot send the data of the error of "${name}"`, { cause }); // too large, or not JSON
        this.#options.report(failure, { stage: "answer", name });
        send(["err", id, toWireError(undefined)]);
      }
    } finally {
      if (running.get(id) === controller) running.delete(id);
      else this.#abandoned--;
    }
  }

  /** Returns an error if a request cannot be handled now. */
  #refusal(id: number): HubError | undefined {
    const { size } = this.#running;
    if (this.#running.has(id)) return new HubError("BAD_REQUEST", `Cannot answer ${id}: this id is in use`);
    if (Math.max(size, this.#abandoned) < this.#options.maxPending) return undefined;
    return new HubError(
      "UNAVAILABLE",
      `Cannot answer: ${size + this.#abandoned} requests run already (maxPendingRequests)`,
    );
  }

  /**
   * The server no longer waits for an answer.
   *
   * @param id The request's id.
   */
  cancel(id: number): void {
    const controller = this.#running.get(id);
    if (this.#running.delete(id)) this.#abandoned++;
    controller?.abort(new HubError("TIMEOUT", "Cannot answer any more: the server has given up"));
  }

  /**
   * The link is lost, so no answer can be sent.
   *
   * @param error The reason.
   */
  lost(error: HubError): void {
    const controllers = [...this.#running.values()];
    this.#running.clear();
    this.#abandoned += controllers.length;
    for (const controller of controllers) controller.abort(error);
  }

  async #answer(name: string, input: unknown, signal: AbortSignal): Promise<unknown> {
    const entry = this.#entry(name);
    const handler = this.#handlers.get(name);
    if (!handler) {
      throw new HubError("NOT_FOUND", `Cannot answer "${name}": the client has no handler for it`);
    }
    const parsed = await parse(entry.input!, input, "input of", name);
    if (signal.aborted) return undefined; // cancelled before the handler started
    const given = handler(parsed, { signal });
    const output = await (promiseOf(given) ?? given);
    try {
      return await parse(entry.output as Schema, output, "answer to", name);
    } catch (cause) {
      // This client's own mistake, not the server's: the error must not look like a refusal of the input.
      throw new Error(`Cannot send the answer to "${name}": it does not fit the contract`, { cause });
    }
  }

  #entry(name: string): Entry {
    const entry = this.#options.surface.serverToClient.get(name);
    if (entry?.output) return entry;
    throw new HubError("NOT_FOUND", `Cannot answer "${name}": no such request`);
  }
}

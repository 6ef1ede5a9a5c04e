/**
 * Handles the requests and signals of one client: it parses the message, calls the handler and sends the answer.
 *
 * @module
 */

import { fromWireError, HubError, parse, parseNow, promiseOf, type WireError } from "../../contract/mod.ts";
import { askedBy, Call, type FailedAt, infoOf } from "./call.ts";
import type { Connection } from "../connection/connection.ts";
import type { Handler } from "./handler_table.ts";
import { cutName } from "./limits.ts";
import { refuseKey } from "./once/key.ts";
import { type Asked, writeError } from "./once/once.ts";
import { readOutcome, writeOutcome } from "./once/outcome.ts";
import { DROPPABLE, OutgoingMessage } from "../outbox/outgoing_message.ts";
import type { PendingBytes } from "./pending_bytes.ts";
import { sendError, UNFIT } from "./send_error.ts";
import type { SessionContext } from "./session_context.ts";
import { SmallMap } from "../connection/small_map.ts";

/** The requests and signals of one client. It makes its collections only on demand: most clients send little. */
export class Calls {
  readonly #conn: Connection;
  readonly #context: SessionContext;
  readonly #kept: PendingBytes;
  #handlers: ReadonlyMap<string, Handler> | undefined;
  #requests: SmallMap<number, Call> | undefined;
  #signals: Set<Call> | undefined;
  /** Requests that the client cancelled and whose handlers still run. Counting them bounds their number. */
  #abandoned: Set<Call> | undefined;

  /**
   * @param conn The connection.
   * @param context The shared context of all sessions.
   * @param kept Counts the bytes of requests and signals that take time.
   */
  constructor(conn: Connection, context: SessionContext, kept: PendingBytes) {
    this.#conn = conn;
    this.#context = context;
    this.#kept = kept;
  }

  /** How many requests and signals are being handled. */
  get size(): number {
    return (this.#requests?.size ?? 0) + (this.#abandoned?.size ?? 0) + (this.#signals?.size ?? 0);
  }

  /**
   * Handles a request.
   *
   * @param id The number of the request.
   * @param name The name of the request.
   * @param input The input, as the client sent it.
   * @param key The client's id for the request. The same id means the same request, on any node and at any time.
   * @returns A promise when the next message has to wait for it; `undefined` when the hub may handle it at once.
   */
  request(id: number, name: string, input: unknown, key?: string): Promise<void> | undefined {
    const entry = this.#conn.surface.clientToServer.get(name);
    const handler = this.#handler(name, "request", entry?.input !== undefined);
    if (typeof handler !== "function") return this.fail(id, handler);
    const refusal = this.#refusal(id) ?? refuseKey(key, this.#conn.userId);
    if (refusal) return this.fail(id, refusal);
    let parsed: unknown, later: Promise<unknown> | undefined;
    try {
      parsed = parse(entry!.input!, input, "input of", name);
      if (parsed instanceof Promise) later = parsed;
    } catch (error) {
      return this.#failRequest(id, name, error, "input");
    }
    const call = new Call(this.#conn, key === undefined ? undefined : askedBy(this.#conn, name, key, input));
    if (later) return this.#requestOn(id, name, handler, later, call);
    return this.#run(id, name, handler, parsed, call);
  }

  /** Handles a signal. Returns a promise when the next message has to wait for it. */
  signal(name: string, payload: unknown): Promise<void> | undefined {
    const entry = this.#conn.surface.clientToServer.get(name);
    const handler = this.#handler(name, "signal", entry?.payload !== undefined);
    if (typeof handler !== "function") return this.fault(cutName(name), handler);
    const handling = this.#signals?.size ?? 0;
    if (handling >= this.#context.limits.maxPendingRequests) {
      return this.fault(name, new HubError("RATE_LIMITED", `Not taken: ${handling} signals run already`));
    }
    const tooMuch = this.#tooMuch();
    if (tooMuch) return this.fault(name, tooMuch);
    let parsed: unknown;
    try {
      parsed = parseNow(entry!.payload!, payload, "signal", name);
    } catch (error) {
      this.#report(name, error, "input");
      return this.fault(name, error);
    }
    const call = new Call(this.#conn);
    const { middlewares } = this.#context;
    if (middlewares.some) {
      const { outcome, arrival } = middlewares.pass(
        infoOf("signal", name, parsed, call),
        () => handler(parsed, call),
      );
      this.#waitFor(outcome, name, call);
      return arrival;
    }
    try {
      const done = promiseOf(handler(parsed, call));
      if (done) this.#waitFor(done, name, call);
    } catch (error) {
      this.#failSignal(name, error);
    }
    return undefined;
  }

  /** Cancels a request for the client. */
  cancel(id: number): void {
    const call = this.#requests?.get(id);
    if (!call) return;
    this.#requests!.delete(id);
    (this.#abandoned ??= new Set()).add(call);
    call.letGo?.();
    call.abort(new HubError("TIMEOUT", "The client gave up"));
  }

  /** Answers a request with an error. */
  fail(id: number, error: unknown, name?: string): undefined {
    const message = (wire: WireError) => new OutgoingMessage(["err", id, wire]);
    sendError(this.#conn, error, message, this.#context.onError, name);
  }

  /** Sends the client an error that answers no request. */
  fault(name: string, error: unknown): undefined {
    const message = (wire: WireError) => new OutgoingMessage(["fault", wire, name], DROPPABLE);
    sendError(this.#conn, error, message, this.#context.onError, name);
  }

  /** The connection is gone: aborts all requests and signals that are being handled. */
  close(): void {
    const requests = this.#requests?.entries().map(([, call]) => call) ?? [];
    const calls = [...requests, ...this.#signals ?? []];
    this.#requests = this.#abandoned = this.#signals = undefined;
    if (calls.length === 0) return;
    const reason = new HubError("DISCONNECTED", "The client is gone");
    for (const call of calls) call.abort(reason);
  }

  /** Waits for the schema of a request. */
  #requestOn(
    id: number,
    name: string,
    handler: Handler,
    parsed: Promise<unknown>,
    call: Call,
  ): Promise<void> {
    this.#await(id, call);
    const { promise, resolve } = Promise.withResolvers<void>();
    call.letGo = resolve; // a schema that never answers ends when the client gives up
    parsed.then(
      (value) => this.#run(id, name, handler, value, call),
      (error) => this.#giveUp(id, name, error, "input", call),
    ).finally(resolve);
    return promise;
  }

  /** Why a request is refused; `undefined` if it is not. */
  #refusal(id: number): HubError | undefined {
    const tooMuch = this.#tooMuch();
    if (tooMuch) return tooMuch;
    if (!this.#requests && !this.#abandoned) return undefined;
    if (this.#requests?.has(id)) return new HubError("BAD_REQUEST", `Not taken: the id ${id} is in use`);
    const handling = this.#requests?.size ?? 0;
    // Cancelled requests have a limit of their own, because a handler may need a moment to stop.
    const abandoned = this.#abandoned?.size ?? 0;
    if (Math.max(handling, abandoned) < this.#context.limits.maxPendingRequests) return undefined;
    return new HubError("RATE_LIMITED", `Not taken: ${handling + abandoned} requests run already`);
  }

  #tooMuch(): HubError | undefined {
    const { bytes } = this.#kept;
    if (bytes <= this.#context.limits.maxPendingBytes) return undefined;
    return new HubError("RATE_LIMITED", `Not taken: requests and signals of ${bytes} bytes run already`);
  }

  /** Calls a handler and sends its result. If the handler answers at once, it keeps no data. */
  #run(
    id: number,
    name: string,
    handler: Handler,
    input: unknown,
    call: Call,
  ): Promise<void> | undefined {
    // The client may have cancelled it while its schema was parsing.
    if (this.#isTakenBack(id, call)) return void this.#forget(call);
    if (call.asked) return this.#runOnce(id, name, handler, input, call, call.asked);
    if (this.#context.middlewares.some) return this.#runAround(id, name, handler, input, call);
    let output: unknown, later: Promise<unknown> | undefined;
    try {
      output = handler(input, call);
      later = promiseOf(output);
    } catch (error) {
      return void this.#giveUp(id, name, error, "handler", call);
    }
    if (later) this.#runOn(id, name, later, call);
    else this.#answer(id, name, output, call);
    return undefined;
  }

  /** Calls a handler through the functions of `hub.use`. The next message waits until the handler is called. */
  #runAround(
    id: number,
    name: string,
    handler: Handler,
    input: unknown,
    call: Call,
  ): Promise<void> | undefined {
    const { outcome, arrival } = this.#context.middlewares.pass(infoOf("request", name, input, call), () => {
      if (this.#isTakenBack(id, call)) throw call.signal.reason; // as in #run
      return handler(input, call);
    });
    this.#runOn(id, name, outcome, call);
    if (!arrival) return undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    call.letGo = resolve; // as in #requestOn
    void arrival.then(resolve);
    return promise;
  }

  /** Runs a request unless it was done already, and sends its result. */
  #runOnce(
    id: number,
    name: string,
    handler: Handler,
    input: unknown,
    call: Call,
    asked: Asked,
  ): Promise<void> | undefined {
    this.#await(id, call);
    const { promise, resolve } = Promise.withResolvers<void>();
    let isDecided = false;
    let arrival: Promise<void> | undefined;
    const begun = () => {
      if (arrival) return void arrival.then(resolve);
      isDecided = true;
      resolve();
    };
    call.letGo = resolve; // as in #requestOn
    const working = new Call(this.#conn, asked);
    const { middlewares } = this.#context;
    const work = () =>
      this.#perform(name, () => {
        const handle = () => handler(input, working);
        if (!middlewares.some) return handle();
        const passage = middlewares.pass(infoOf("request", name, input, working), handle);
        arrival = passage.arrival;
        return passage.outcome;
      });
    this.#context.once.run(asked, { work, working, begun, signal: call.signal }).then((text) => {
      const outcome = readOutcome(text);
      if (outcome[0] === "res") this.#send(id, name, outcome[1], call);
      else this.#refuse(id, fromWireError(outcome[1]), call);
    }, (error) => this.#refuse(id, error, call)).finally(resolve);
    return isDecided ? undefined : promise;
  }

  /** Runs a request even when no client waits for it any more. Gives its result as text. Never rejects. */
  async #perform(name: string, handle: () => unknown): Promise<string> {
    const schema = this.#conn.surface.clientToServer.get(name)!.output!;
    let at: FailedAt = "handler";
    try {
      const output = await handle();
      at = "output";
      return writeOutcome(["res", await parse(schema, output, "output of", name)]);
    } catch (error) {
      this.#report(name, error, at);
      const told = at === "output" ? UNFIT : error;
      return writeError(told, name, (failure) => this.#report(name, failure, "output"));
    }
  }

  /** Sends an error that was reported already, unless the client cancelled the request. */
  #refuse(id: number, error: unknown, call: Call): void {
    if (this.#isTakenBack(id, call)) return this.#forget(call);
    this.fail(id, error);
    this.#done(id, call);
  }

  /** Waits for a handler. */
  #runOn(id: number, name: string, output: Promise<unknown>, call: Call): void {
    this.#await(id, call);
    output.then(
      (output) => this.#answer(id, name, output, call),
      (error) => this.#giveUp(id, name, error, "handler", call),
    );
  }

  #answer(id: number, name: string, output: unknown, call: Call): void {
    let parsed: unknown, later: Promise<unknown> | undefined;
    try {
      const schema = this.#conn.surface.clientToServer.get(name)!.output!;
      parsed = parse(schema, output, "output of", name);
      if (parsed instanceof Promise) later = parsed;
    } catch (error) {
      return this.#giveUp(id, name, error, "output", call);
    }
    if (later) this.#answerOn(id, name, later, call);
    else this.#send(id, name, parsed, call);
  }

  /** Waits for the schema of the output. */
  #answerOn(id: number, name: string, parsed: Promise<unknown>, call: Call): void {
    this.#await(id, call);
    parsed.then(
      (value) => this.#send(id, name, value, call),
      (error) => this.#giveUp(id, name, error, "output", call),
    );
  }

  /** Sends an answer, unless the client cancelled the request. */
  #send(id: number, name: string, value: unknown, call: Call): void {
    if (this.#isTakenBack(id, call)) return this.#forget(call);
    try {
      // With an output of `undefined` at its end, the codec would have to copy the answer.
      this.#conn.outbox.pushOwn(new OutgoingMessage(value === undefined ? ["res", id] : ["res", id, value]));
    } catch (error) {
      this.#failRequest(id, name, error, "output");
    }
    this.#done(id, call);
  }

  /** Sends an error, unless the client cancelled the request. */
  #giveUp(id: number, name: string, error: unknown, at: FailedAt, call: Call): void {
    if (this.#isTakenBack(id, call)) return this.#forget(call);
    this.#failRequest(id, name, error, at);
    this.#done(id, call);
  }

  /** Keeps a request that takes time, so that the client may cancel it. */
  #await(id: number, call: Call): void {
    call.frame ??= this.#kept.keep();
    (this.#requests ??= new SmallMap()).set(id, call);
  }

  #isTakenBack(id: number, call: Call): boolean {
    return call.frame !== undefined && this.#requests?.get(id) !== call;
  }

  #done(id: number, call: Call): void {
    if (!call.frame) return;
    this.#kept.release(call.frame);
    this.#requests?.delete(id);
    if (this.#requests?.size === 0) this.#requests = undefined;
  }

  /** The handler of a cancelled request has ended. */
  #forget(call: Call): void {
    this.#kept.release(call.frame!);
    if (this.#abandoned?.delete(call) && this.#abandoned.size === 0) this.#abandoned = undefined;
  }

  /** Counts a signal while its handler runs. */
  #waitFor(done: Promise<unknown>, name: string, call: Call): void {
    const frame = this.#kept.keep();
    const signals = this.#signals ??= new Set();
    signals.add(call);
    done.catch((error) => this.#failSignal(name, error)).finally(() => {
      this.#kept.release(frame);
      signals.delete(call);
      if (this.#signals === signals && signals.size === 0) this.#signals = undefined;
    });
  }

  #failSignal(name: string, error: unknown): void {
    const { middlewares, onError } = this.#context;
    if (!middlewares.hasTold(error)) onError(error, { stage: "handler", name, connectionId: this.#conn.id });
    this.fault(name, error);
  }

  #handler(name: string, kind: "request" | "signal", declared: boolean): Handler | HubError {
    const { role } = this.#conn;
    if (!declared) return new HubError("NOT_FOUND", `Role "${role}" has no ${kind} "${cutName(name)}"`);
    this.#handlers ??= this.#context.handlers.of(role);
    const handler = this.#handlers.get(name);
    if (handler) return handler;
    this.#context.handlers.absent(name, (error) => this.#report(name, error, "handler"));
    return new HubError("UNAVAILABLE", `Cannot answer "${name}" yet: the server has not implemented it`);
  }

  #failRequest(id: number, name: string, error: unknown, at: FailedAt): undefined {
    this.#report(name, error, at);
    this.fail(id, at === "output" ? UNFIT : error, name);
  }

  /** Reports an error, unless it is for the client. */
  #report(name: string, error: unknown, at: FailedAt): void {
    const stage = at === "output" ? "output" : "handler";
    this.#context.calls.thrown(error, { stage, name, connectionId: this.#conn.id });
  }
}

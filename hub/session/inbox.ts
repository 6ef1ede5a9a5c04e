/**
 * What one client says: checked, limited in rate, and handled in the order in which it was said.
 *
 * @module
 */

import {
  asClientMessage,
  type ClientMessage,
  CLOSE_CODES,
  type Encoded,
  HubError,
  parse,
  parseNow,
  toWireError,
  type WireError,
} from "../../contract/mod.ts";
import { Call, type FailedAt, isThenable } from "./call.ts";
import type { Connection } from "../connection/connection.ts";
import type { Handler } from "./handler_table.ts";
import { RateLimiter } from "./limits.ts";
import { OutgoingMessage } from "../outbox/outgoing_message.ts";
import { sendError } from "./send_error.ts";
import type { SessionContext } from "./session_context.ts";
import { SmallMap } from "../connection/small_map.ts";
import { Subscriptions } from "./subscriptions.ts";

/** The inbox of a connection. What it keeps of what is under way is made when something is: most say little. */
export class Inbox {
  readonly #conn: Connection;
  readonly #context: SessionContext;
  readonly #rate: RateLimiter;
  #subscriptions: Subscriptions | undefined;
  #calls: SmallMap<number, Call> | undefined;
  #signals: Set<Call> | undefined;
  /** Requests that were taken back, and whose handlers still work: there is no end of them otherwise. */
  #abandoned: Set<Call> | undefined;
  /** What was said after a message whose schema takes its time. */
  #waiting: ClientMessage[] | undefined;
  #closed = false;

  /**
   * @param conn Whose inbox.
   * @param context What all sessions share.
   */
  constructor(conn: Connection, context: SessionContext) {
    this.#conn = conn;
    this.#context = context;
    this.#rate = new RateLimiter(context.options.clock, context.limits);
  }

  /** How many requests and signals are being handled, or wait for that. */
  get size(): number {
    return (this.#calls?.size ?? 0) + (this.#abandoned?.size ?? 0) + (this.#signals?.size ?? 0) +
      (this.#waiting?.length ?? 0);
  }

  /** How many subscriptions there are. */
  get subscriptions(): number {
    return this.#subscriptions?.size ?? 0;
  }

  /** Whether a topic is subscribed, and live. */
  subscribesTo(topic: string): boolean {
    return this.#subscriptions?.isLive(topic) === true;
  }

  /** Takes a frame. Does not throw: a frame that is not of the protocol ends the connection. */
  receive(frame: Encoded): void {
    const conn = this.#conn;
    const { limits } = this.#context;
    if (frame.length > limits.maxFrameBytes) {
      return conn.close(
        CLOSE_CODES.FRAME_TOO_LARGE,
        `A frame may have ${limits.maxFrameBytes} bytes at the most`,
      );
    }
    conn.outbox.beginReply();
    try {
      for (const value of conn.outbox.turn.codec.decode(frame)) {
        if (this.#closed || !this.#admit(value)) break;
      }
    } catch (error) {
      conn.close(CLOSE_CODES.PROTOCOL_ERROR, toWireError(error).message);
    }
    conn.outbox.endReply();
  }

  /** The connection is gone: whatever is being handled is aborted. */
  close(): void {
    this.#closed = true;
    this.#waiting = undefined;
    const requests = this.#calls?.entries().map(([, call]) => call) ?? [];
    const calls = [...requests, ...this.#signals ?? []];
    this.#calls = this.#abandoned = this.#signals = undefined;
    this.#subscriptions?.close();
    if (calls.length === 0) return;
    const reason = new HubError("DISCONNECTED", "The client is gone");
    for (const call of calls) call.abort(reason);
  }

  /** Checks one message and handles it, now or in its turn. */
  #admit(value: unknown): boolean {
    const conn = this.#conn;
    const { limits } = this.#context;
    const message = asClientMessage(value);
    const verdict = this.#rate.take();
    if (verdict === "flood") {
      conn.close(CLOSE_CODES.RATE_LIMITED, `More than ${limits.messagesPerSecond} messages a second`);
      return false;
    }
    if (verdict === "refused") this.#refuse(message);
    else if (!this.#waiting || overtakes(message)) this.#handle(message);
    else if (this.#waiting.push(message) > limits.maxPendingRequests) {
      conn.close(CLOSE_CODES.RATE_LIMITED, `More than ${limits.maxPendingRequests} messages wait`);
      return false;
    }
    return true;
  }

  #refuse(message: ClientMessage): void {
    const error = new HubError(
      "RATE_LIMITED",
      `More than ${this.#context.limits.messagesPerSecond} messages a second`,
    );
    if (message[0] === "req" || message[0] === "sub") this.#fail(message[1], error);
    else if (message[0] === "sig") this.#fault(message[1], error);
    else this.#handle(message); // an answer, a cancel, an unsubscribe: refusing it would only keep more in memory
  }

  #handle(message: ClientMessage): void {
    const conn = this.#conn;
    switch (message[0]) {
      case "req":
        return this.#request(message[1], message[2], message[3]);
      case "sig":
        return this.#signal(message[1], message[2]);
      case "sub":
        this.#subscriptions ??= new Subscriptions(conn, this.#context);
        return void this.#subscriptions.subscribe(message[1], message[2], message[3]?.since);
      case "unsub":
        return this.#subscriptions?.unsubscribe(message[1]);
      case "res":
        return conn.answered(message[1], message[2]);
      case "err":
        return conn.refused(message[1], message[2]);
      case "cancel":
        return this.#cancel(message[1]);
      case "ping":
        return void conn.outbox.push(PONG);
      case "pong":
        return;
      case "hello":
        conn.close(CLOSE_CODES.PROTOCOL_ERROR, "A second hello");
    }
  }

  #request(id: number, name: string, input: unknown): void {
    const entry = this.#conn.surface.clientToServer.get(name);
    const handler = this.#handler(name, entry?.input !== undefined);
    if (typeof handler !== "function") return this.#fail(id, handler);
    const refusal = this.#refusal(id);
    if (refusal) return this.#fail(id, refusal);
    let parsed: unknown;
    try {
      parsed = parse(entry!.input!, input, `input of "${name}"`);
    } catch (error) {
      return this.#failRequest(id, name, error, "input");
    }
    const call = new Call(this.#conn);
    if (parsed instanceof Promise) this.#requestOn(id, name, handler, parsed, call);
    else this.#run(id, name, handler, parsed, call);
  }

  /** Waits for the schema of a request. */
  #requestOn(id: number, name: string, handler: Handler, parsed: Promise<unknown>, call: Call): void {
    this.#await(id, call);
    this.#holdUntil(parsed.then(
      (value) => this.#run(id, name, handler, value, call),
      (error) => this.#giveUp(id, name, error, "input", call),
    ));
  }

  /** Why a request cannot be handled, if so. */
  #refusal(id: number): HubError | undefined {
    if (!this.#calls && !this.#abandoned) return undefined;
    if (this.#calls?.has(id)) return new HubError("BAD_REQUEST", `Request ${id} is being handled already`);
    const handling = this.#calls?.size ?? 0;
    // Those that were taken back have as much room of their own, so that a handler may take a moment to stop.
    const abandoned = this.#abandoned?.size ?? 0;
    if (Math.max(handling, abandoned) < this.#context.limits.maxPendingRequests) return undefined;
    return new HubError("RATE_LIMITED", `${handling + abandoned} requests are being handled`);
  }

  /** Calls a handler and answers with what it gives back. Where nothing takes time, nothing is made that would stay. */
  #run(id: number, name: string, handler: Handler, input: unknown, call: Call): void {
    // It may have been taken back while its schema took its time.
    if (this.#isTakenBack(id, call)) return this.#forget(call);
    let output: unknown;
    try {
      output = handler(input, call);
    } catch (error) {
      return this.#giveUp(id, name, error, "handler", call);
    }
    if (isThenable(output)) this.#runOn(id, name, output, call);
    else this.#answer(id, name, output, call);
  }

  /** Waits for a handler. */
  #runOn(id: number, name: string, output: PromiseLike<unknown>, call: Call): void {
    this.#await(id, call);
    Promise.resolve(output).then(
      (output) => this.#answer(id, name, output, call),
      (error) => this.#giveUp(id, name, error, "handler", call),
    );
  }

  #answer(id: number, name: string, output: unknown, call: Call): void {
    let parsed: unknown;
    try {
      const schema = this.#conn.surface.clientToServer.get(name)!.output!;
      parsed = parse(schema, output, `output of "${name}"`);
    } catch (error) {
      return this.#giveUp(id, name, error, "output", call);
    }
    if (parsed instanceof Promise) this.#answerOn(id, name, parsed, call);
    else this.#send(id, name, parsed, call);
  }

  /** Waits for the schema of an answer. */
  #answerOn(id: number, name: string, parsed: Promise<unknown>, call: Call): void {
    this.#await(id, call);
    parsed.then(
      (value) => this.#send(id, name, value, call),
      (error) => this.#giveUp(id, name, error, "output", call),
    );
  }

  /** Sends an answer, unless the request was taken back. */
  #send(id: number, name: string, value: unknown, call: Call): void {
    if (this.#isTakenBack(id, call)) return this.#forget(call);
    try {
      this.#conn.outbox.pushOwn(new OutgoingMessage(["res", id, value]));
    } catch (error) {
      this.#failRequest(id, name, error, "output");
    }
    this.#done(id, call);
  }

  /** Answers with an error, unless the request was taken back. */
  #giveUp(id: number, name: string, error: unknown, at: FailedAt, call: Call): void {
    if (this.#isTakenBack(id, call)) return this.#forget(call);
    this.#failRequest(id, name, error, at);
    this.#done(id, call);
  }

  /** Keeps a request that takes its time: until it is done it may be taken back. */
  #await(id: number, call: Call): void {
    call.awaited = true;
    (this.#calls ??= new SmallMap()).set(id, call);
  }

  #isTakenBack(id: number, call: Call): boolean {
    return call.awaited && this.#calls?.get(id) !== call;
  }

  #done(id: number, call: Call): void {
    if (!call.awaited) return;
    this.#calls?.delete(id);
    if (this.#calls?.size === 0) this.#calls = undefined;
  }

  /** The handler of a request that was taken back is done. */
  #forget(call: Call): void {
    if (this.#abandoned?.delete(call) && this.#abandoned.size === 0) this.#abandoned = undefined;
  }

  #cancel(id: number): void {
    const index = this.#waiting?.findIndex((message) => message[0] === "req" && message[1] === id) ?? -1;
    if (index >= 0) return void this.#waiting!.splice(index, 1);
    const call = this.#calls?.get(id);
    if (!call) return;
    this.#calls!.delete(id);
    (this.#abandoned ??= new Set()).add(call);
    call.abort(new HubError("TIMEOUT", "The client gave up"));
  }

  #signal(name: string, payload: unknown): void {
    const conn = this.#conn;
    const { limits, onError } = this.#context;
    const entry = conn.surface.clientToServer.get(name);
    const handler = this.#handler(name, entry?.payload !== undefined);
    if (typeof handler !== "function") return this.#fault(name, handler);
    const handling = this.#signals?.size ?? 0;
    if (handling >= limits.maxPendingRequests) {
      return this.#fault(name, new HubError("RATE_LIMITED", `${handling} signals are being handled`));
    }
    let parsed: unknown;
    try {
      parsed = parseNow(entry!.payload!, payload, `signal "${name}"`);
    } catch (error) {
      if (!(error instanceof HubError)) onError(error, { stage: "handler", name, connectionId: conn.id });
      return this.#fault(name, error);
    }
    const call = new Call(conn);
    try {
      const done = handler(parsed, call);
      if (isThenable(done)) this.#waitFor(done, name, call);
    } catch (error) {
      this.#failSignal(name, error);
    }
  }

  /** Counts a signal while its handler works. */
  #waitFor(done: PromiseLike<unknown>, name: string, call: Call): void {
    const signals = this.#signals ??= new Set();
    signals.add(call);
    Promise.resolve(done).catch((error) => this.#failSignal(name, error)).finally(() => {
      signals.delete(call);
      if (this.#signals === signals && signals.size === 0) this.#signals = undefined;
    });
  }

  #failSignal(name: string, error: unknown): void {
    this.#context.onError(error, { stage: "handler", name, connectionId: this.#conn.id });
    this.#fault(name, error);
  }

  #handler(name: string, declared: boolean): Handler | HubError {
    const conn = this.#conn;
    const { handlers } = this.#context;
    if (!declared) return new HubError("NOT_FOUND", `Role "${conn.role}" has no "${name}" of this kind`);
    return handlers.get(conn.role, name) ?? new HubError("UNAVAILABLE", `"${name}" is not implemented yet`);
  }

  /** Holds back what is said from here on until a schema has answered. */
  #holdUntil(done: Promise<void>): void {
    this.#waiting = [];
    void done.then(() => {
      const waiting = this.#waiting ?? [];
      this.#waiting = undefined;
      for (const [i, message] of waiting.entries()) {
        if (this.#closed) return;
        this.#handle(message);
        if (this.#waiting) return void (this.#waiting as ClientMessage[]).push(...waiting.slice(i + 1));
      }
    });
  }

  #failRequest(id: number, name: string, error: unknown, at: FailedAt): void {
    const conn = this.#conn;
    const { onError } = this.#context;
    const expected = error instanceof HubError && at !== "output";
    if (!expected) {
      onError(error, { stage: at === "output" ? "output" : "handler", name, connectionId: conn.id });
    }
    this.#fail(id, at === "output" ? new Error("The output does not fit the contract") : error);
  }

  #fail(id: number, error: unknown): void {
    sendError(this.#conn, error, (wire) => new OutgoingMessage(["err", id, wire]), this.#context.onError);
  }

  #fault(name: string, error: unknown): void {
    const message = (wire: WireError) => new OutgoingMessage(["fault", wire, name], { droppable: true });
    sendError(this.#conn, error, message, this.#context.onError);
  }
}

const PONG = new OutgoingMessage(["pong"]);

/** Calls keep their order; what answers or ends something does not wait behind them, who may be waiting for it. */
function overtakes([kind]: ClientMessage): boolean {
  return kind === "res" || kind === "err" || kind === "cancel" || kind === "ping" || kind === "pong";
}

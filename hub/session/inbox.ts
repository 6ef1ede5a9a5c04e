/**
 * Takes the messages of one client: it checks them, limits their rate, and handles them in order.
 *
 * @module
 */

import {
  asClientMessage,
  type ClientMessage,
  CLOSE_CODES,
  type Encoded,
  exceedsUtf8,
  HubError,
  type TopicMark,
  toWireError,
  UnreadableMessage,
} from "../../contract/mod.ts";
import type { RefusalReason } from "../api/refusals.ts";
import { Calls } from "./calls.ts";
import type { Connection } from "../connection/connection.ts";
import { OutgoingMessage } from "../outbox/outgoing_message.ts";
import { Queue } from "../connection/queue.ts";
import { RateLimiter } from "./limits.ts";
import { PendingBytes, type PendingFrame } from "./pending_bytes.ts";
import { internalError } from "./send_error.ts";
import type { SessionContext } from "./session_context.ts";
import { type Held, Subscriptions } from "./subscriptions.ts";
import { Watches } from "./watches.ts";

/** A message that waits, and its frame. */
interface Waiting {
  readonly message: ClientMessage;
  readonly frame: PendingFrame;
}

/**
 * The inbox of a connection. It makes its parts only on demand, because most clients send little. It counts its bytes
 * itself, because one more object for each connection would take more memory.
 */
export class Inbox extends PendingBytes implements Held {
  readonly #conn: Connection;
  readonly #context: SessionContext;
  readonly #rate: RateLimiter;
  #watches: Watches | undefined;
  #calls: Calls | undefined;
  /** Messages that wait because an earlier message takes time; absent if none takes time. */
  #waiting: Queue<Waiting> | undefined;

  /**
   * @param conn The connection.
   * @param context The shared context of all sessions.
   */
  constructor(conn: Connection, context: SessionContext) {
    super();
    this.#conn = conn;
    this.#context = context;
    this.#rate = new RateLimiter(context.options.clock, context.limits);
  }

  /** How many requests and signals are being handled, or wait. */
  get size(): number {
    return (this.#calls?.size ?? 0) + (this.#waiting?.length ?? 0);
  }

  /** How many subscriptions there are. */
  get subscriptions(): number {
    return this.#subscriptions?.size ?? 0;
  }

  get held(): number {
    return this.subscriptions + (this.#watches?.size ?? 0);
  }

  /** The connection has left a room or topic. */
  left(channel: string): void {
    this.#watches?.left(channel);
  }

  /** Whether it has a live subscription to a topic. */
  subscribesTo(topic: string): boolean {
    return this.#subscriptions?.isLive(topic) === true;
  }

  /** Subscribes to the topics of the hello, as if the client had sent the subscribes now, after the welcome. */
  subscribe(topics: readonly TopicMark[]): void {
    this.#rate.refill(topics.length);
    for (const [id, topic, options] of topics) {
      if (this.#conn.closed) break;
      this.#admit(["sub", id, topic, options]);
    }
    this.#conn.outbox.endReply();
  }

  /** Takes a frame. Does not throw: a frame that breaks the protocol closes the connection. */
  receive(frame: Encoded): void {
    const conn = this.#conn;
    if (conn.closed) return;
    const { limits } = this.#context;
    if (exceedsUtf8(frame, limits.maxFrameBytes)) {
      return this.#refuse(
        "frame-size",
        CLOSE_CODES.FRAME_TOO_LARGE,
        `A frame may have at most ${limits.maxFrameBytes} bytes`,
      );
    }
    conn.outbox.beginReply();
    this.begin(frame);
    try {
      const values = conn.outbox.turn.codec.decode(frame);
      this.#rate.refill(values.length || 1);
      if (values.length === 0) this.#mayGoOn(); // an empty frame also counts
      for (const value of values) {
        if (conn.closed) break; // do not handle messages after a close
        this.#admit(asClientMessage(value));
      }
    } catch (error) {
      this.#fail(error);
    }
    this.end();
    conn.outbox.endReply();
  }

  /** The connection is gone: aborts everything that is being handled. */
  close(): void {
    this.#waiting = undefined;
    this.#subscriptions?.close();
    this.#watches?.close();
    this.#calls?.close();
  }

  get #subscriptions(): Subscriptions | undefined {
    return this.#conn.subscriptions as Subscriptions | undefined; // only this inbox makes them
  }

  get #subscribed(): Subscriptions {
    return this.#subscriptions ??
      (this.#conn.subscriptions = new Subscriptions(this.#conn, this.#context, this));
  }

  get #handled(): Calls {
    return this.#calls ??= new Calls(this.#conn, this.#context, this);
  }

  /** Handles one message, now or in its turn. */
  #admit(message: ClientMessage | UnreadableMessage): void {
    const verdict = this.#mayGoOn();
    if (verdict === "flood") return;
    if (message instanceof UnreadableMessage) this.#sendBack(message);
    else if (verdict === "refused") this.#slowDown(message);
    else if (!this.#waiting || overtakes(message)) this.#handle(message);
    else this.#wait(message, this.#waiting);
  }

  /** Counts one message. A flood closes the connection. */
  #mayGoOn(): "ok" | "refused" | "flood" {
    const verdict = this.#rate.take();
    if (verdict === "flood") this.#refuse("rate", CLOSE_CODES.RATE_LIMITED, this.#tooFast);
    return verdict;
  }

  #wait(message: ClientMessage, waiting: Queue<Waiting>): void {
    const { limits: { maxPendingRequests, maxPendingBytes } } = this.#context;
    waiting.push({ message, frame: this.keep() });
    if (waiting.length > maxPendingRequests) {
      this.#refuse("rate", CLOSE_CODES.RATE_LIMITED, `More than ${maxPendingRequests} messages wait`);
    } else if (this.bytes > maxPendingBytes) {
      this.#refuse("rate", CLOSE_CODES.RATE_LIMITED, `Messages of more than ${maxPendingBytes} bytes wait`);
    }
  }

  /** Tells the client, or the waiting caller, that the payload of a message cannot be used. */
  #sendBack({ head: [kind, about], error }: UnreadableMessage): void {
    if (kind === "req" || kind === "once" || kind === "state") this.#handled.fail(about as number, error);
    else if (kind === "sig") this.#handled.fault(about as string, error);
    else this.#conn.refused(about as number, error); // an answer to a question of this hub
  }

  #slowDown(message: ClientMessage): void {
    const error = new HubError("RATE_LIMITED", this.#tooFast);
    switch (message[0]) {
      case "req":
      case "once":
      case "sub":
      case "hist":
      case "watch":
      case "state":
      case "members":
        return this.#handled.fail(message[1], error);
      case "sig":
        return this.#handled.fault(message[1], error);
      default: // an answer, a cancel, an unsubscribe: refusing it would only keep more in memory
        return this.#handle(message);
    }
  }

  #handle(message: ClientMessage): void {
    const conn = this.#conn;
    switch (message[0]) {
      case "req":
        return this.#holdUntil(this.#handled.request(message[1], message[2], message[3]));
      case "once":
        return this.#holdUntil(this.#handled.request(message[1], message[2], message[4], message[3]));
      case "sig":
        return this.#holdUntil(this.#handled.signal(message[1], message[2]));
      case "sub":
        return this.#subscribed.subscribe(message[1], message[2], message[3]);
      case "hist":
        return void this.#subscribed.history(message[1], message[2], message[3]);
      case "unsub":
        return this.#subscriptions?.unsubscribe(message[1]);
      case "res":
        return conn.answered(message[1], message[2]);
      case "err":
        return conn.refused(message[1], message[2]);
      case "cancel":
        return this.#cancel(message[1]);
      case "ping":
        return void conn.outbox.pushOwn(PONG);
      case "pong":
        return;
      case "hello":
        return this.#refuse("protocol", CLOSE_CODES.PROTOCOL_ERROR, "A second hello");
      case "unwatch":
        return this.#watches?.unwatch(message[1], message[2]);
      default:
        return this.#look(message);
    }
  }

  /** Handles a client's question about presence. */
  #look(message: ClientMessage & readonly ["watch" | "state" | "members", ...unknown[]]): void {
    const watches = this.#watching();
    if (!watches) {
      return this.#handled.fail(
        message[1],
        new HubError("NOT_FOUND", "Cannot see who is there: the contract declares no presence"),
      );
    }
    switch (message[0]) {
      case "watch":
        return void watches.watch(message[1], message[2], message[3]?.by);
      case "state":
        return void watches.state(message[1], message[2], message[3]);
      case "members":
        return void watches.members(message[1], message[2], message[3]);
    }
  }

  #watching(): Watches | undefined {
    const { presence } = this.#context;
    if (!presence) return undefined;
    return this.#watches ??= new Watches({
      conn: this.#conn,
      context: this.#context,
      presence,
      all: this,
      subscriptions: () => this.#subscriptions,
      kept: this,
    });
  }

  #cancel(id: number): void {
    const taken = this.#waiting?.take(({ message }) => isRequest(message) && message[1] === id);
    if (taken) this.release(taken.frame);
    else this.#calls?.cancel(id);
  }

  /** Lets later messages wait until this promise settles. */
  #holdUntil(done: Promise<void> | undefined): void {
    if (!done) return;
    this.#waiting = new Queue();
    void done.then(() => this.#goOn());
  }

  #goOn(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    for (let next = waiting?.shift(); next; next = waiting!.shift()) {
      if (this.#conn.closed) return;
      const { message, frame } = next;
      this.begin(frame);
      try {
        this.#handle(message);
      } catch (error) {
        this.#fail(error);
      }
      this.end();
      this.release(frame);
      if (this.#waiting) return void (this.#waiting = waiting); // this one takes time, too
    }
  }

  get #tooFast(): string {
    const { messagesPerSecond } = this.#context.limits;
    return `Cannot take more than ${messagesPerSecond} messages a second (limits.messagesPerSecond): send less often`;
  }

  /** Closes the connection after a message that cannot be read, or an error of this hub. */
  #fail(error: unknown): void {
    const { code, message } = toWireError(error, internalError());
    if (code === "BAD_REQUEST") return this.#refuse("protocol", CLOSE_CODES.PROTOCOL_ERROR, message);
    this.#context.onError(error, { stage: "handler", connectionId: this.#conn.id });
    this.#conn.shut(CLOSE_CODES.INTERNAL, message);
  }

  /** Closes the connection because of what the client did. */
  #refuse(why: RefusalReason, code: number, reason: string): void {
    const { id: connectionId } = this.#conn;
    this.#context.refusals.add({ reason: why, message: `Closed a connection: ${reason}`, connectionId });
    this.#conn.shut(code, reason);
  }
}

function isRequest([kind]: ClientMessage): boolean {
  return kind === "req" || kind === "once";
}

const PONG = new OutgoingMessage(["pong"]);

/**
 * Requests and signals keep their order. Answers and cancels do not wait behind them, because a request may be
 * waiting for one.
 */
function overtakes([kind]: ClientMessage): boolean {
  return kind === "res" || kind === "err" || kind === "cancel" || kind === "ping" || kind === "pong";
}

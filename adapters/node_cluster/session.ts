/**
 * One node's session with the relay in the primary process.
 *
 * @module
 */

import type { Clock } from "../../contract/clock.ts";
import type { LinkEvents } from "../kit/engine.ts";
import type { OutgoingMessage, PublishResults } from "../kit/outbox.ts";
import { type IpcChannel, makeRoom, post } from "./channel.ts";
import { MARK, type NodeFrame, readRelayFrame, type RelayFrame } from "./frame.ts";
import { Window } from "./window.ts";

/**
 * The size from which a frame is sent; the rest of a turn goes into the next one. The primary handles one frame at a
 * time.
 */
const FRAME_BYTES = 256 * 1024;

/** The pipe to the primary process is gone, and does not come back. */
export class PipeGoneError extends Error {
  override readonly name = "PipeGoneError";
}

/** Options of {@linkcode Session}. */
export interface SessionOptions {
  readonly channel: IpcChannel;
  readonly prefix: string;
  readonly nodeId: string;
  readonly clock: Clock;
  readonly maxPendingBytes: number;
  readonly events: LinkEvents;
}

/** A session, from its greeting to its end. */
export class Session {
  readonly #options: SessionOptions;
  readonly #id = crypto.randomUUID();
  readonly #window: Window;
  readonly #answers = new Map<number, PromiseWithResolvers<number>>();
  readonly #welcome = Promise.withResolvers<void>();
  readonly #onMessage = (message: unknown) => this.#hear(message);
  readonly #onGone = (cause?: unknown) => {
    this.#lose(new PipeGoneError("the pipe to the process is closed", { cause }));
  };
  #begun = false;
  #welcomed = false;
  #ended = false;
  #lastQuestion = 0;
  #lastSign: number;

  /** @param options The pipe, and this node. */
  constructor(options: SessionOptions) {
    this.#options = options;
    this.#window = new Window(options.maxPendingBytes);
    this.#lastSign = options.clock.now();
    this.#welcome.promise.catch(() => {}); // it may fail before any call waits
  }

  /** The time of the relay's last frame, by the clock. */
  get lastSign(): number {
    return this.#lastSign;
  }

  /**
   * Begins the session.
   *
   * @returns Resolves when the relay knows this node; rejects when the session ends before.
   */
  async begin(): Promise<void> {
    const { channel } = this.#options;
    this.#begun = true;
    makeRoom(channel, 1);
    channel.on("message", this.#onMessage);
    channel.on("disconnect", this.#onGone);
    if (!channel.connected) this.#onGone();
    this.#greet();
    await this.#welcome.promise;
  }

  /** Subscribes. When it resolves, messages that other nodes publish from then on arrive. */
  async subscribe(channels: readonly string[]): Promise<void> {
    await this.#ask((id) => ["sub", id, channels]);
  }

  /** Ends subscriptions. */
  unsubscribe(channels: readonly string[]): void {
    this.#say("unsub", channels);
  }

  /** Resolves when the relay has processed everything that was sent before. */
  async ping(): Promise<void> {
    await this.#ask((id) => ["ping", id]);
  }

  /** How many nodes subscribe to a channel. */
  async count(channel: string): Promise<number> {
    return await this.#ask((id) => ["count", id, channel]);
  }

  /** Sends messages, as long as there is room. */
  publish(messages: readonly OutgoingMessage[]): PublishResults {
    let results: unknown[] | undefined;
    let entries: string[] = [];
    let bytes = 0;
    const flush = () => {
      if (entries.length > 0) this.#say("pub", entries, this.#window.ask());
      entries = [];
      bytes = 0;
    };
    for (const [i, { name, data }] of messages.entries()) {
      const size = name.length + data.length;
      if (!this.#window.takes(size)) {
        (results ??= [])[i] = "full";
        continue;
      }
      entries.push(name, data as string);
      bytes += size;
      if (bytes >= FRAME_BYTES) flush();
    }
    flush();
    return results;
  }

  /** Ends the session. */
  end(): void {
    if (!this.#ended) this.#say("bye");
    this.#lose(new Error("it was closed meanwhile"));
  }

  #greet(): void {
    const { prefix, nodeId } = this.#options;
    this.#say("hello", prefix, nodeId);
  }

  #say(...frame: NodeFrame): void {
    post(this.#options.channel, [MARK, this.#id, ...frame], this.#onGone);
  }

  async #ask(question: (id: number) => NodeFrame): Promise<number> {
    if (this.#ended) throw new Error("the session with the relay is over");
    const id = ++this.#lastQuestion;
    const answer = Promise.withResolvers<number>();
    this.#answers.set(id, answer);
    this.#say(...question(id));
    return await answer.promise;
  }

  #hear(message: unknown): void {
    const read = readRelayFrame(message);
    if (read === "foreign") return;
    if (read === "malformed") {
      if ((message as unknown[])[1] === this.#id) {
        this.#say("bye");
        this.#lose(new Error("the relay has sent a frame that this version cannot read"));
      }
      return;
    }
    if (read.session === this.#id) this.#take(read.frame);
    else if (read.frame[0] === "ready" && !this.#ended) {
      if (this.#welcomed) this.#lose(new Error("the relay was restarted"));
      else this.#greet();
    }
  }

  #take(frame: RelayFrame): void {
    const { clock, events } = this.#options;
    this.#lastSign = clock.now();
    switch (frame[0]) {
      case "welcome":
        this.#welcomed = true;
        return this.#welcome.resolve();
      case "done": {
        const [, id, value] = frame;
        this.#answers.get(id)?.resolve(value);
        return void this.#answers.delete(id);
      }
      case "msg": {
        const [, entries, bytes] = frame;
        if (bytes > 0) this.#say("took", bytes);
        for (let i = 0; i < entries.length && !this.#ended; i += 2) {
          events.onMessage(entries[i]!, entries[i + 1]!);
        }
        return;
      }
      case "took":
        return this.#window.took(frame[1]);
      case "end":
        return this.#lose(new Error(frame[1]));
      case "gone":
        return events.onNodeGone(frame[1]);
      case "ready":
        return;
    }
  }

  #lose(cause: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    const { channel, events } = this.#options;
    channel.off("message", this.#onMessage);
    channel.off("disconnect", this.#onGone);
    if (this.#begun) makeRoom(channel, -1);
    this.#welcome.reject(cause);
    for (const { reject } of this.#answers.values()) reject(cause);
    this.#answers.clear();
    events.onLost(cause);
  }
}

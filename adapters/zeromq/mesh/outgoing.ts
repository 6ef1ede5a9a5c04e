/**
 * A connection from this node to another one of a mesh. It is never reopened. On it, the other node sends back which
 * names it wants, and which messages have arrived.
 *
 * @module
 */

import type { Clock } from "../../../contract/clock.ts";
import { answerOrSilence } from "../../kit/deadline.ts";
import { Waiters } from "../../kit/waiters.ts";
import { type Entry, toBatch } from "../batch.ts";
import { MAX_LOST_NAMES, readControl, readCount, readNames, readWelcome, type Welcome } from "./control.ts";
import { ConnectError } from "../errors.ts";
import type { Dealer } from "../library.ts";
import type { Pump } from "../pump.ts";

/** The largest batch, except for a single larger message. Answers can pass between batches. */
const MAX_BATCH_BYTES = 256 * 1024;
/** After how many bytes a confirmation is requested, so that a slow but live node keeps confirming. */
const ASK_BYTES = 64 * 1024;

/** Options of {@linkcode Outgoing}. */
export interface OutgoingOptions {
  /** A socket that connects only once. */
  readonly socket: Dealer;
  readonly pump: Pump;
  /** The other node's name for this connection. */
  readonly routingId: string;
  readonly address: string;
  readonly clock: Clock;
  /** How many unconfirmed bytes may be on their way. */
  readonly maxPendingBytes: number;
  /** The names that the other node wants have changed. */
  onWants(link: Outgoing, add: readonly string[], remove: readonly string[]): void;
  /** The connection is lost, or the other node has said goodbye. */
  onLost(cause: Error): void;
}

/** One connection to another node. */
export class Outgoing {
  readonly routingId: string;
  /** The names that the other node wants. */
  readonly wants: Set<string> = new Set();
  readonly #options: OutgoingOptions;
  readonly #welcome = Promise.withResolvers<Welcome>();
  readonly #pongs = new Waiters<number>();
  #lastPing = 0;
  #lastSign = -Infinity;
  #batch: Entry[] = [];
  #batchBytes = 0;
  #sentBytes = 0;
  #sentCount = 0;
  /** The byte count of the last request for a confirmation. */
  #askedBytes = 0;
  #gotBytes = 0;
  #gotCount = 0;
  /** The names of messages that were dropped since the last report to the other node. */
  #dropped: Set<string> | "any" = new Set();
  #greeted = false;
  #ended = false;
  #parted = false;

  /**
   * Connects.
   *
   * @param options The options.
   * @param hello The first message.
   */
  constructor(options: OutgoingOptions, hello: object) {
    this.#options = options;
    this.routingId = options.routingId;
    this.#welcome.promise.catch(() => {}); // it may reject when no caller waits
    const { socket, pump, address, clock } = options;
    try {
      socket.connect(address);
      pump.add(socket, {
        onMessage: ([frame]) => {
          this.#lastSign = clock.now();
          this.#hear(readControl(frame!));
        },
        onGone: () => this.#lose(this.#broken()),
      });
      this.#say("hello", hello);
    } catch (error) {
      this.#lose(new ConnectError("refused", `this is not an address to connect to`, error));
    }
  }

  /** Resolves with the other node's `welcome`. Rejects when there is no connection. */
  get welcomed(): Promise<Welcome> {
    return this.#welcome.promise;
  }

  /** Whether the other node has said goodbye. */
  get parted(): boolean {
    return this.#parted;
  }

  /** How many messages are unconfirmed. */
  get unconfirmed(): number {
    return this.#sentCount - this.#gotCount;
  }

  /**
   * Adds a message to the batch. {@linkcode flush} sends the batch.
   *
   * @param name The name.
   * @param entry The encoded message.
   * @returns Whether there was room.
   */
  offer(name: string, entry: Entry): boolean {
    const pending = this.#sentBytes - this.#gotBytes;
    if (pending > 0 && pending + entry.length > this.#options.maxPendingBytes) {
      this.#drop(name);
      return false;
    }
    this.#tellDropped();
    if (this.#batchBytes + entry.length > MAX_BATCH_BYTES) this.flush();
    this.#batch.push(entry);
    this.#batchBytes += entry.length;
    this.#sentBytes += entry.length;
    this.#sentCount++;
    return true;
  }

  /** Sends the batch. */
  flush(): void {
    if (this.#batch.length === 0) return;
    this.#send(["", toBatch(this.#batch)]);
    this.#batch = [];
    this.#batchBytes = 0;
    const step = Math.min(ASK_BYTES, this.#options.maxPendingBytes / 4);
    if (this.#sentBytes - this.#askedBytes >= step) void this.confirm();
  }

  /**
   * Resolves when the other node has handled everything that was sent, or the connection is lost.
   *
   * @param what `"bye"` to say goodbye.
   */
  async confirm(what: "ping" | "bye" = "ping"): Promise<void> {
    if (this.#ended) return;
    this.flush();
    const n = ++this.#lastPing;
    this.#askedBytes = this.#sentBytes;
    const pong = this.#pongs.wait(n);
    this.#say(what, n);
    await pong;
  }

  /** The other node has said goodbye. The end of the connection is then no loss. */
  parts(): void {
    this.#parted = true;
  }

  /**
   * Pings the other node, and gives up the connection if it does not answer.
   *
   * @param timeoutMs How long it may be silent.
   */
  async probe(timeoutMs: number): Promise<void> {
    const { clock } = this.#options;
    const answer = await answerOrSilence(clock, timeoutMs, this.confirm(), () => this.#lastSign);
    if (answer === "silent") this.#lose(new ConnectError("unreachable", `it was silent for ${timeoutMs} ms`));
  }

  /** Confirms to the other node that this version of its wanted names is in use. */
  has(version: number): void {
    this.#say("has", version);
  }

  /** Ends the connection at once. The socket still sends its own buffer. */
  end(): void {
    this.#lose(new Error("it was closed meanwhile"));
    const { socket, pump } = this.#options;
    pump.remove(socket);
    socket.close();
  }

  #say(...words: readonly unknown[]): void {
    this.#send([JSON.stringify(words)]);
  }

  #send(frames: (string | Uint8Array)[]): void {
    if (this.#ended) return;
    this.#options.socket.send(frames).catch(() => this.#lose(this.#broken()));
    this.#options.pump.hurry();
  }

  #broken(): Error {
    if (this.#greeted) return new ConnectError("unreachable", "the connection broke");
    return new ConnectError(
      "answered",
      "it closed the connection before its first message. Check that curve is set on all nodes or on none, that the key " +
        "given here is the key of that node, and that its curve.allow has the key of this node",
    );
  }

  #drop(name: string): void {
    if (this.#dropped === "any") return;
    this.#dropped.add(name);
    if (this.#dropped.size > MAX_LOST_NAMES) this.#dropped = "any";
  }

  /** There is room again: reports the dropped names. The report comes after all messages that were sent before the drop. */
  #tellDropped(): void {
    const dropped = this.#dropped;
    if (dropped !== "any" && dropped.size === 0) return;
    this.flush();
    this.#say("lost", dropped === "any" ? null : [...dropped]);
    this.#dropped = new Set();
  }

  #hear([what, ...words]: readonly unknown[]): void {
    switch (what) {
      case "welcome": {
        const welcome = readWelcome(words[0]);
        this.#greeted = true;
        if (welcome) return this.#welcome.resolve(welcome);
        return this.#lose(new ConnectError("refused", "it speaks another version of this adapter"));
      }
      case "no":
        return this.#lose(
          new ConnectError("refused", `it refuses: ${String(words[0]).slice(0, 200)}`, words[0]),
        );
      case "wants":
        return this.#wants(readCount(words[0]), words[1] === true, readNames(words[2]), readNames(words[3]));
      case "pong":
        this.#got(readCount(words[1]), readCount(words[2]));
        return this.#pongs.settle(readCount(words[0]));
    }
  }

  #wants(version: number, reset: boolean, add: readonly string[], remove: readonly string[]): void {
    const gone = reset ? [...this.wants] : remove;
    for (const name of gone) this.wants.delete(name);
    for (const name of add) this.wants.add(name);
    this.#options.onWants(this, add, gone);
    this.has(version);
  }

  #got(bytes: number, count: number): void {
    this.#gotBytes = Math.min(this.#sentBytes, Math.max(this.#gotBytes, bytes));
    this.#gotCount = Math.min(this.#sentCount, Math.max(this.#gotCount, count));
    this.#tellDropped();
  }

  #lose(cause: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#welcome.reject(cause);
    this.#pongs.settleAll();
    this.#options.onLost(cause);
  }
}

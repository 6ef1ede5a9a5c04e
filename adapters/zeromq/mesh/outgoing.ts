/**
 * The way from this node to another one of a mesh: a connection that lives once. The other node says on it what it wants to get,
 * and what it has got.
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

/** A batch is no larger, but for a single message: what is behind it can be answered meanwhile. */
const MAX_BATCH_BYTES = 256 * 1024;
/** What was sent is confirmed after so many bytes, so that a slow node that works goes on confirming. */
const ASK_BYTES = 64 * 1024;

/** What {@linkcode Outgoing} needs. */
export interface OutgoingOptions {
  /** A socket that connects once, and not again. */
  readonly socket: Dealer;
  readonly pump: Pump;
  /** What the other node calls this connection. */
  readonly routingId: string;
  readonly address: string;
  readonly clock: Clock;
  /** How many bytes may be on their way that the other node has not confirmed. */
  readonly maxPendingBytes: number;
  /** What the other node wants has changed. */
  onWants(link: Outgoing, add: readonly string[], remove: readonly string[]): void;
  /** It is gone: lost, or the other node has said goodbye. */
  onLost(cause: Error): void;
}

/** One connection. */
export class Outgoing {
  readonly routingId: string;
  /** What the other node wants. */
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
  /** Up to where the other node was asked what it has got. */
  #askedBytes = 0;
  #gotBytes = 0;
  #gotCount = 0;
  /** What was dropped since the other node was told of it. */
  #dropped: Set<string> | "any" = new Set();
  #greeted = false;
  #ended = false;
  #parted = false;

  /**
   * Connects.
   *
   * @param options What it needs.
   * @param hello The first words.
   */
  constructor(options: OutgoingOptions, hello: object) {
    this.#options = options;
    this.routingId = options.routingId;
    this.#welcome.promise.catch(() => {}); // it may be lost when nobody waits
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
      this.#lose(new ConnectError("refused", `this is no address to connect to`, error));
    }
  }

  /** Resolves with the other node's first words; rejects when there is no connection. */
  get welcomed(): Promise<Welcome> {
    return this.#welcome.promise;
  }

  /** Whether the other node has said goodbye. */
  get parted(): boolean {
    return this.#parted;
  }

  /** How many messages it has not confirmed. */
  get unconfirmed(): number {
    return this.#sentCount - this.#gotCount;
  }

  /**
   * Takes a message for {@linkcode flush}.
   *
   * @param name Its name.
   * @param entry The message.
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

  /** Sends what was taken. */
  flush(): void {
    if (this.#batch.length === 0) return;
    this.#send(["", toBatch(this.#batch)]);
    this.#batch = [];
    this.#batchBytes = 0;
    const step = Math.min(ASK_BYTES, this.#options.maxPendingBytes / 4);
    if (this.#sentBytes - this.#askedBytes >= step) void this.confirm();
  }

  /**
   * Resolves when the other node has dealt with all that was sent, or is lost.
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

  /** The other node has said goodbye: its end is no loss. */
  parts(): void {
    this.#parted = true;
  }

  /**
   * Asks whether the other node lives, and gives the connection up when it does not.
   *
   * @param timeoutMs How long it may be silent.
   */
  async probe(timeoutMs: number): Promise<void> {
    const { clock } = this.#options;
    const answer = await answerOrSilence(clock, timeoutMs, this.confirm(), () => this.#lastSign);
    if (answer === "silent") this.#lose(new ConnectError("unreachable", `it was silent for ${timeoutMs} ms`));
  }

  /** The version of what it wants is in use. */
  has(version: number): void {
    this.#say("has", version);
  }

  /** Ends it at once, but for what the socket has. */
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
      "it closed the connection before it said who it is: see that all nodes have curve or none, that its key is " +
        "the one given here, and that ours is in its curve.allow",
    );
  }

  #drop(name: string): void {
    if (this.#dropped === "any") return;
    this.#dropped.add(name);
    if (this.#dropped.size > MAX_LOST_NAMES) this.#dropped = "any";
  }

  /** There is room again. What is told now is behind what was sent before the loss. */
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

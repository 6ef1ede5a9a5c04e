/**
 * One other node, as long as it is connected: what was asked of it, and what it asks.
 *
 * @module
 */

import type { Connection, Stream } from "@libp2p/interface";
import type { Clock } from "../../contract/clock.ts";
import { type ControlMessage, hear, type Positions, tell } from "./control.ts";
import type { Recipient } from "./sender.ts";

/** How often to look whether gossipsub knows of a subscription by now. It tells of some changes, and not of its streams. */
const LOOK_MS = 20;
/** How long to wait for the goodbye of a peer that closes: it may be on another stream. */
const GOODBYE_MS = 100;
/** How much a peer may ask before it is answered. */
const MAX_ASKS = 10_000;

/** What a peer waits to be told. */
interface Ask {
  readonly id: number;
  readonly topics: readonly string[];
}

/** What {@linkcode Peer} needs of its node. */
export interface PeerHost {
  readonly clock: Clock;
  /** What this node says first. */
  hello(): ControlMessage;
  /** Whether messages on these topics would reach the peer. */
  reaches(peer: Peer, topics: readonly string[]): boolean;
  /** How far this node is with topics. */
  positions(topics: Iterable<string>): Positions;
  /** The topics of a peer. */
  topicsOf(peer: Peer): readonly string[];
  /** Where the others can be reached. */
  addressesFor(peer: Peer): readonly string[];
  /** It said who it is. */
  onHello(peer: Peer): void;
  /** Both see what the other one subscribes to. */
  onIntroduced(peer: Peer): void;
  /** It said how far it is. */
  onPositions(peer: Peer, positions: Positions, since: boolean): void;
  /** What this node answers at once, or takes note of. */
  onMessage(peer: Peer, message: ControlMessage): void;
  /** It is gone, or of no use any more. Called once. */
  onGone(peer: Peer, cause: Error | undefined): void;
}

/** A node that is connected. */
export class Peer implements Recipient {
  /** Its identity on the network. */
  readonly id: string;
  /** Its address, for errors. */
  readonly address: string;
  readonly owed: { count: number; bytes: number }[] = [];
  owedBytes = 0;
  slow = false;
  /** What it said of itself. */
  hello: (ControlMessage & { type: "hello" }) | undefined;
  /** Whether it may be sent to, and is heard. */
  introduced = false;
  /** Whether it was so at any time. */
  wasIntroduced = false;
  /** Resolves when it is introduced, or gone. */
  readonly settled: Promise<void>;
  /** When it was heard last. */
  lastSign: number;
  readonly #host: PeerHost;
  readonly #asked = new Map<number, PromiseWithResolvers<unknown>>();
  #lastId = 0;
  #out: Stream | undefined;
  #in: Stream | undefined;
  #seen = false;
  #answered = false;
  #toAnswer: Ask[] = [];
  #cancelLook: (() => void) | undefined;
  #cancelClosed: (() => void) | undefined;
  #gone = false;
  readonly #settle: () => void;

  /**
   * @param connection The connection by which it was met.
   * @param host Its node.
   */
  constructor(connection: Connection, host: PeerHost) {
    this.id = connection.remotePeer.toString();
    this.address = connection.remoteAddr.toString();
    this.#host = host;
    this.lastSign = host.clock.now();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.settled = promise;
    this.#settle = resolve;
  }

  /** Who it is, in one session of its. */
  get source(): string {
    return `${this.id} ${this.hello?.session}`;
  }

  /** Speaks on a stream of this node's. */
  speak(stream: Stream): void {
    this.#out = stream;
    if (this.#gone) return stream.abort(new Error("The peer is gone"));
    stream.addEventListener("close", () => this.closed());
    this.tell(this.#host.hello());
    this.look();
  }

  /** Listens to a stream of the peer's. */
  listen(stream: Stream): void {
    const again = this.#in !== undefined;
    this.#in = stream;
    if (again || this.#gone) {
      stream.abort(new Error("There is a control stream already"));
      return this.end(new Error("it began anew"));
    }
    hear(stream, (message) => this.#take(message)).then(
      () => this.closed(),
      (error) => this.end(error as Error),
    );
  }

  /** Tells it something. */
  tell(message: ControlMessage): void {
    if (this.#out) tell(this.#out, message);
  }

  /**
   * Asks until it sees that this node subscribes to these topics.
   *
   * @returns Also resolves when it is gone.
   */
  async ask(topics: readonly string[]): Promise<void> {
    // What it has not been told yet it will be with the first word.
    if (this.#out) await this.#request((id) => ({ type: "ask", id, topics }));
  }

  /** Asks whether it is there; resolves when it answers, or is gone. */
  async ping(): Promise<void> {
    const positions = this.#host.positions(this.#host.topicsOf(this));
    await this.#request((id) => ({ type: "ping", id, positions }));
  }

  /** Asks whether it subscribes to a channel. */
  async listens(name: string): Promise<boolean> {
    return await this.#request((id) => ({ type: "count", id, name })) === true;
  }

  /** Ends what this node says; resolves when it has left. */
  async finish(): Promise<void> {
    await this.#out?.close().catch(() => {});
  }

  /** Gossipsub may know more by now. */
  look(): void {
    if (this.#out) this.#toAnswer = this.#toAnswer.filter((ask) => !this.#answerAsk(ask));
    this.#cancelLook?.();
    this.#cancelLook = undefined;
    this.#lookLater();
    this.#introduce();
  }

  /** A stream of its is closed, or its connection: the goodbye may come yet. */
  closed(): void {
    if (this.#gone) return;
    this.#cancelClosed ??= this.#host.clock.after(
      GOODBYE_MS,
      () => this.end(new Error("it closed the connection")),
    );
  }

  /**
   * It is gone, or to be given up.
   *
   * @param cause Why; without, it has said goodbye.
   */
  end(cause: Error | undefined): void {
    if (this.#gone) return;
    this.#gone = true;
    this.introduced = false;
    this.owed.length = this.owedBytes = 0;
    this.#cancelLook?.();
    this.#cancelClosed?.();
    this.#toAnswer = [];
    for (const { resolve } of this.#asked.values()) resolve(undefined);
    this.#asked.clear();
    this.#settle();
    this.#host.onGone(this, cause);
  }

  /** @returns Whether it is answered. */
  #answerAsk({ id, topics }: Ask): boolean {
    if (!this.#host.reaches(this, topics)) return false;
    // First, so that it knows everybody whom it may not be known to.
    if (id === 0) this.tell({ type: "peers", addresses: this.#host.addressesFor(this) });
    this.tell({ type: "seen", id, positions: this.#host.positions(topics) });
    if (id === 0) this.#seen = true;
    return true;
  }

  #lookLater(): void {
    if (this.#toAnswer.length === 0 || this.#gone) return;
    this.#cancelLook ??= this.#host.clock.after(LOOK_MS, () => this.look());
  }

  #request(message: (id: number) => ControlMessage): Promise<unknown> {
    if (this.#gone) return Promise.resolve();
    const id = ++this.#lastId;
    const answer = Promise.withResolvers<unknown>();
    this.#asked.set(id, answer);
    this.tell(message(id));
    return answer.promise;
  }

  #answer(id: number, value: unknown): void {
    this.#asked.get(id)?.resolve(value);
    this.#asked.delete(id);
  }

  /** @returns Whether to listen on. */
  #take(message: ControlMessage): boolean {
    if (this.#gone) return false;
    this.lastSign = this.#host.clock.now();
    switch (message.type) {
      case "hello":
        if (this.hello) throw new Error("it introduced itself twice");
        this.hello = message;
        this.#host.onHello(this);
        this.#toAnswer.push({ id: 0, topics: message.topics });
        this.look();
        return true;
      case "ask":
        if (this.#toAnswer.length >= MAX_ASKS) throw new Error(`it asked ${MAX_ASKS} things at once`);
        // Not all that wait: each of many would be looked at again for each of them.
        if (!this.#out || !this.#answerAsk(message)) this.#toAnswer.push(message);
        this.#lookLater();
        return true;
      case "seen":
        if (!this.hello) throw new Error("it answered before it introduced itself");
        this.#host.onPositions(this, message.positions, true);
        if (message.id === 0) this.#answered = true;
        this.#answer(message.id, undefined);
        this.#introduce();
        return true;
      case "ping":
        this.#host.onPositions(this, message.positions, false);
        this.tell({ type: "pong", id: message.id });
        return true;
      case "pong":
        this.#answer(message.id, undefined);
        return true;
      case "counted":
        this.#answer(message.id, message.listens);
        return true;
      case "bye":
        this.end(undefined);
        return false;
      default:
        this.#host.onMessage(this, message);
        return true;
    }
  }

  #introduce(): void {
    if (this.introduced || this.#gone || !this.#seen || !this.#answered) return;
    this.introduced = this.wasIntroduced = true;
    this.#settle();
    this.#host.onIntroduced(this);
  }
}

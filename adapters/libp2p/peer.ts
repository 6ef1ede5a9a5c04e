/**
 * One other node while it is connected: the requests that this node sent to the peer, and the requests of the peer.
 *
 * @module
 */

import type { Connection, Stream } from "@libp2p/interface";
import type { Clock } from "../../contract/clock.ts";
import { type ControlMessage, hear, type Positions, tell } from "./control.ts";
import type { Recipient } from "./sender.ts";

/**
 * How often to check whether gossipsub knows of a new subscription. Gossipsub has no event for its streams, so the peer
 * polls.
 */
const LOOK_MS = 20;
/** How long to wait for the goodbye of a peer that closes. The goodbye may arrive on another stream. */
const GOODBYE_MS = 100;
/** How many unanswered requests a peer may have. */
const MAX_ASKS = 10_000;

/** A request of a peer that waits for its answer. */
interface Ask {
  readonly id: number;
  readonly topics: readonly string[];
}

/** The methods of a node that {@linkcode Peer} calls. */
export interface PeerHost {
  readonly clock: Clock;
  /** The `hello` of this node. */
  hello(): ControlMessage;
  /** Whether the peer would receive messages on these topics. */
  reaches(peer: Peer, topics: readonly string[]): boolean;
  /** The number of the next frame of this node, for each of these topics. */
  positions(topics: Iterable<string>): Positions;
  /** The topics that the peer subscribes to. */
  topicsOf(peer: Peer): readonly string[];
  /** The addresses of the other nodes. */
  addressesFor(peer: Peer): readonly string[];
  /** The peer has sent its `hello`. */
  onHello(peer: Peer): void;
  /** Both nodes see the subscriptions of each other. */
  onIntroduced(peer: Peer): void;
  /** The peer has sent the number of its next frame for each topic. */
  onPositions(peer: Peer, positions: Positions, since: boolean): void;
  /** The peer has sent another message. The node answers at once, or only takes note. */
  onMessage(peer: Peer, message: ControlMessage): void;
  /** The peer is gone, or the node gives it up. Called once. */
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
  /** The `hello` that the peer sent. */
  hello: (ControlMessage & { type: "hello" }) | undefined;
  /** Whether this node may send to the peer and accepts its frames. */
  introduced = false;
  /** Whether the peer was ever introduced. */
  wasIntroduced = false;
  /** Resolves when the peer is introduced, or gone. */
  readonly settled: Promise<void>;
  /** When this node last heard from the peer. */
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
   * @param connection The first connection to the peer.
   * @param host The node that the peer is connected to.
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

  /** The id of the peer and its session. */
  get source(): string {
    return `${this.id} ${this.hello?.session}`;
  }

  /** Uses this stream to send control messages to the peer. */
  speak(stream: Stream): void {
    this.#out = stream;
    if (this.#gone) return stream.abort(new Error("The peer is gone"));
    stream.addEventListener("close", () => this.closed());
    this.tell(this.#host.hello());
    this.look();
  }

  /** Reads control messages of the peer from this stream. */
  listen(stream: Stream): void {
    const again = this.#in !== undefined;
    this.#in = stream;
    if (again || this.#gone) {
      stream.abort(new Error("There is a control stream already"));
      return this.end(new Error("it opened a second control stream"));
    }
    hear(stream, (message) => this.#take(message)).then(
      () => this.closed(),
      (error) => this.end(error as Error),
    );
  }

  /** Sends a control message to the peer. */
  tell(message: ControlMessage): void {
    if (this.#out) tell(this.#out, message);
  }

  /**
   * Asks the peer to answer when it sees that this node subscribes to these topics.
   *
   * @returns Resolves when the peer answers. Also resolves when the peer is gone.
   */
  async ask(topics: readonly string[]): Promise<void> {
    // Before there is a stream there is nothing to ask: the `hello` will list these topics too.
    if (this.#out) await this.#request((id) => ({ type: "ask", id, topics }));
  }

  /** Pings the peer. Resolves when the peer answers, or is gone. */
  async ping(): Promise<void> {
    const positions = this.#host.positions(this.#host.topicsOf(this));
    await this.#request((id) => ({ type: "ping", id, positions }));
  }

  /** Asks the peer whether it subscribes to a channel. */
  async listens(name: string): Promise<boolean> {
    return await this.#request((id) => ({ type: "count", id, name })) === true;
  }

  /** Closes the stream on which this node sends. Resolves when all data has left. */
  async finish(): Promise<void> {
    await this.#out?.close().catch(() => {});
  }

  /** Checks the state of gossipsub again, which may have changed. */
  look(): void {
    if (this.#out) this.#toAnswer = this.#toAnswer.filter((ask) => !this.#answerAsk(ask));
    this.#cancelLook?.();
    this.#cancelLook = undefined;
    this.#lookLater();
    this.#introduce();
  }

  /** The peer has closed a stream or its connection. Its goodbye may still arrive. */
  closed(): void {
    if (this.#gone) return;
    this.#cancelClosed ??= this.#host.clock.after(
      GOODBYE_MS,
      () => this.end(new Error("it closed the connection")),
    );
  }

  /**
   * The peer is gone, or this node gives it up.
   *
   * @param cause The reason. Without a cause the peer has said goodbye.
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

  /** @returns Whether the request is answered. */
  #answerAsk({ id, topics }: Ask): boolean {
    if (!this.#host.reaches(this, topics)) return false;
    // Addresses go first: the peer then knows all nodes that may not know the peer yet.
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

  /** @returns Whether to go on listening. */
  #take(message: ControlMessage): boolean {
    if (this.#gone) return false;
    this.lastSign = this.#host.clock.now();
    switch (message.type) {
      case "hello":
        if (this.hello) throw new Error("it sent its hello twice");
        this.hello = message;
        this.#host.onHello(this);
        this.#toAnswer.push({ id: 0, topics: message.topics });
        this.look();
        return true;
      case "ask":
        if (this.#toAnswer.length >= MAX_ASKS) throw new Error(`it has ${MAX_ASKS} unanswered requests`);
        // Checks this request only. Checking all waiting requests here would take quadratic time.
        if (!this.#out || !this.#answerAsk(message)) this.#toAnswer.push(message);
        this.#lookLater();
        return true;
      case "seen":
        if (!this.hello) throw new Error("it answered before it sent its hello");
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

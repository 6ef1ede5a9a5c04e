/**
 * One connection to a proxy. The node publishes to its front, and receives from its back.
 *
 * @module
 */

import type { Clock } from "../../../contract/clock.ts";
import { answerOrSilence, inTime } from "../../kit/deadline.ts";
import type { LinkEvents } from "../../kit/engine.ts";
import type { OutgoingMessage, PublishResults } from "../../kit/outbox.ts";
import { type Entry, readBatch, toBatch, toEntry } from "../batch.ts";
import { connecting, type Security } from "../curve.ts";
import { ConnectError } from "../errors.ts";
import type { XPublisher, XSubscriber, ZeroMq } from "../library.ts";
import type { Topics } from "../names.ts";
import { systemAddress } from "../addresses.ts";
import { Pump } from "../pump.ts";
import { socketOptions } from "../sockets.ts";
import { readChain, readControl, toChain } from "./control.ts";
import { Gaps, Numbers } from "./gaps.ts";
import { Others } from "./others.ts";
import { Sentinel } from "./sentinel.ts";

/** How long other nodes have to answer after this node has received its own answer, in milliseconds. */
const GREETING_MS = 100;
/** After how many bytes a confirmation is requested. */
const MARK_BYTES = 128 * 1024;
/** The largest batch, except for a single larger message. */
const MAX_BATCH_BYTES = 256 * 1024;
/** How long a closed socket goes on sending its buffer, in milliseconds. */
const LINGER_MS = 200;

/** Options of {@linkcode ProxySession}. */
export interface ProxySessionOptions {
  readonly front: string;
  readonly back: string;
  /** The public key of the proxy. */
  readonly key: string | undefined;
  readonly security: Security;
  readonly prefix: string;
  readonly topics: Topics;
  readonly clock: Clock;
  readonly connectTimeoutMs: number;
  readonly probeIntervalMs: number;
  readonly probeTimeoutMs: number;
  readonly maxPendingBytes: number;
}

const encoder = new TextEncoder();

/** Encodes a subscription: 1 to subscribe, 0 to unsubscribe, and the name. */
function toSubscription(on: boolean, name: string): Uint8Array {
  const bytes = encoder.encode(`_${name}`);
  bytes[0] = on ? 1 : 0;
  return bytes;
}

/** One connection to a proxy. */
export class ProxySession {
  readonly #options: ProxySessionOptions;
  readonly #nodeId: string;
  readonly #events: LinkEvents;
  readonly #session: string = crypto.randomUUID();
  readonly #publisher: XPublisher;
  readonly #subscriber: XSubscriber;
  readonly #pump: Pump;
  readonly #others: Others;
  readonly #numbers = new Numbers();
  readonly #gaps = new Gaps();
  readonly #inbox: string;
  readonly #lost = Promise.withResolvers<void>();
  readonly #sentinels: readonly Sentinel[];
  /** Calls that wait until everything sent so far has passed the proxy. */
  readonly #marks: PromiseWithResolvers<void>[] = [];
  #sentBytes = 0;
  #markedBytes = 0;
  #confirmedBytes = 0;
  #joined = false;
  #ended = false;

  /**
   * Connects.
   *
   * @param options The options.
   * @param zmq The library.
   * @param nodeId The id of this node.
   * @param events The callbacks.
   */
  constructor(
    options: ProxySessionOptions,
    zmq: ZeroMq,
    nodeId: string,
    events: LinkEvents,
  ) {
    const { front, back, key, security, topics, prefix, clock } = options;
    this.#options = options;
    this.#nodeId = nodeId;
    this.#events = events;
    this.#inbox = topics.ofNode(nodeId);
    const sockets = {
      ...socketOptions(options, front, back),
      ...connecting(security, key),
      reconnectInterval: -1, // subscriptions and messages on their way are lost, so the adapter opens a new connection and reports it
    };
    this.#publisher = new zmq.XPublisher(sockets);
    this.#subscriber = new zmq.XSubscriber({ ...sockets, receiveHighWaterMark: 10_000 });
    this.#pump = new Pump(() => !this.#joined || this.#others.isAwaited);
    this.#others = new Others({
      session: this.#session,
      clock,
      ask: (token) => this.#say("sync", prefix, nodeId, token),
      onBack: () => events.onMissed(undefined, new Error("a node that was away is back")),
      onGone: (session) => this.#gaps.end(session),
    });
    this.#publisher.connect(front);
    this.#subscriber.connect(back);
    this.#pump.add(this.#publisher, { onMessage: ([frame]) => this.#asked(frame!) });
    this.#pump.add(this.#subscriber, { onMessage: (frames) => this.#heard(frames) });
    this.#subscribe(true, this.#inbox);
    this.#sentinels = [front, back].map((address) =>
      new Sentinel(systemAddress(address), () => void this.#probe(), () => {
        this.#lose(new ConnectError("unreachable", `no program listens at ${address} any more`));
      })
    );
  }

  /** Waits until this node receives its own answer, and knows the other nodes. */
  async join(): Promise<void> {
    const { clock, connectTimeoutMs } = this.#options;
    const heard = this.#others.sync();
    // A request sent before the connection is open may get lost, so it is repeated.
    let cancel = () => {};
    const again = () => {
      this.#others.repeat();
      cancel = clock.after(GREETING_MS, again);
    };
    again();
    try {
      await inTime(
        clock,
        connectTimeoutMs,
        Promise.race([heard.self, this.#lost.promise]),
        "It has not answered",
      );
    } catch (cause) {
      throw new ConnectError(
        "answered",
        "it accepts connections, but no message comes back. Check that front and back belong to one proxy. With curve, check " +
          "that the key given here is the proxy's, and that its curve.allow has the key of this node",
        cause,
      );
    } finally {
      cancel();
    }
    const { promise: greeted, resolve } = Promise.withResolvers<void>();
    cancel = clock.after(GREETING_MS, resolve);
    await Promise.race([greeted, this.#lost.promise]);
    cancel();
    await heard.all;
    this.#joined = true;
  }

  /** Subscribes. Resolves when all others know. */
  async subscribe(names: readonly string[]): Promise<void> {
    for (const name of names) {
      this.#subscribe(true, name);
      this.#gaps.watch(name);
    }
    const { sent } = await this.#synced();
    for (const name of names) this.#gaps.live(name, sent);
  }

  /** Unsubscribes. Resolves when all others know. */
  async unsubscribe(names: readonly string[]): Promise<void> {
    for (const name of names) {
      this.#subscribe(false, name);
      this.#gaps.forget(name);
    }
    await this.#synced();
  }

  /** Sends messages. Consecutive messages of one channel go together. */
  publish(messages: readonly OutgoingMessage[]): PublishResults {
    const { maxPendingBytes } = this.#options;
    const results: (undefined | "full")[] = [];
    let name = "";
    let entries: Entry[] = [];
    let bytes = 0;
    const flush = () => {
      if (entries.length > 0) this.#send(name, toBatch(entries));
      [entries, bytes] = [[], 0];
    };
    for (const [i, message] of messages.entries()) {
      const entry = toEntry(message);
      const pending = this.#sentBytes - this.#confirmedBytes + bytes;
      if (pending > 0 && pending + entry.length > maxPendingBytes) {
        results[i] = "full";
        continue;
      }
      if (message.name !== name || bytes + entry.length > MAX_BATCH_BYTES) flush();
      name = message.name;
      entries.push(entry);
      bytes += entry.length;
    }
    flush();
    return results;
  }

  /** Whether this node receives its own answer. `undefined` if the connection is lost meanwhile. */
  async lives(): Promise<boolean | undefined> {
    const { clock, probeIntervalMs, probeTimeoutMs } = this.#options;
    this.#others.check(probeIntervalMs, probeTimeoutMs);
    const answer = Promise.race([this.#others.sync().self, this.#lost.promise]);
    const outcome = await answerOrSilence(clock, probeTimeoutMs, answer, () => this.#others.lastSign);
    return this.#ended ? undefined : outcome !== "silent";
  }

  /** Says goodbye. Resolves when the proxy has everything that was sent. */
  async part(): Promise<void> {
    await this.#mark();
    this.#say("bye", this.#options.prefix, this.#session);
    for (const socket of [this.#publisher, this.#subscriber]) socket.linger = LINGER_MS;
  }

  /** Closes the connection. */
  end(): void {
    this.#lose(new Error("it was closed meanwhile"));
    this.#pump.close();
    this.#publisher.close();
    this.#subscriber.close();
  }

  /** Resolves when everything sent so far has passed the proxy, or the connection is lost. */
  async #mark(): Promise<void> {
    const mark = Promise.withResolvers<void>();
    this.#marks.push(mark);
    this.#markedBytes = this.#sentBytes;
    this.#tell(this.#inbox, "mark", this.#sentBytes, this.#session);
    await Promise.race([mark.promise, this.#lost.promise]);
  }

  async #synced(): Promise<{ readonly sent: ReadonlyMap<string, number> }> {
    const { clock, probeTimeoutMs } = this.#options;
    const askedAt = clock.now();
    const sync = this.#others.sync();
    const cancel = clock.after(probeTimeoutMs, () => this.#others.giveUp(sync, askedAt));
    await Promise.race([sync.all, this.#lost.promise]);
    cancel();
    if (this.#ended) throw new Error("the connection is gone");
    return sync;
  }

  async #probe(): Promise<void> {
    if (await this.lives() === false) {
      this.#lose(new ConnectError("unreachable", `it was silent for ${this.#options.probeTimeoutMs} ms`));
    }
  }

  #send(name: string, batch: Entry): void {
    const chain = toChain({ session: this.#session, ...this.#numbers.next(name) });
    this.#put(this.#publisher, [name, chain, batch]);
    this.#sentBytes += batch.length;
    const step = Math.min(MARK_BYTES, this.#options.maxPendingBytes / 4);
    if (this.#sentBytes - this.#markedBytes >= step) void this.#mark();
  }

  #subscribe(on: boolean, name: string): void {
    this.#put(this.#subscriber, [toSubscription(on, name)]);
  }

  /** Sends a control message to all others. It arrives after the subscriptions that were sent before. */
  #say(...words: readonly unknown[]): void {
    this.#put(this.#subscriber, [JSON.stringify(words)]);
  }

  /** Sends a control message to one node. */
  #tell(topic: string, ...words: readonly unknown[]): void {
    this.#put(this.#publisher, [topic, JSON.stringify(words)]);
  }

  #put(socket: XPublisher | XSubscriber, frames: (string | Uint8Array)[]): void {
    if (this.#ended) return;
    socket.send(frames).catch((error: Error) => this.#lose(error));
    this.#pump.hurry();
  }

  /** Handles data that come against the stream of messages: subscriptions, which the library handles, and requests. */
  #asked(frame: Uint8Array): void {
    if (frame[0] !== "[".charCodeAt(0)) return;
    const [what, prefix, id, token] = readControl(frame);
    if (prefix !== this.#options.prefix || typeof id !== "string") return;
    if (what === "bye") return this.#others.left(id);
    if (what !== "sync" || typeof token !== "string") return;
    const topic = this.#options.topics.ofNode(id);
    this.#tell(topic, "synced", this.#session, token, this.#numbers.sent, this.#others.sessions);
  }

  #heard([topic, head, batch]: readonly Uint8Array[]): void {
    if (!head) return this.#events.onForeign();
    if (batch !== undefined) return this.#take(new TextDecoder().decode(topic), head, batch);
    const [what, ...words] = readControl(head);
    if (what === "synced") this.#others.synced(words);
    else if (what === "mark" && words[1] === this.#session) {
      const bytes = typeof words[0] === "number" ? Math.min(words[0], this.#sentBytes) : 0;
      this.#confirmedBytes = Math.max(this.#confirmedBytes, bytes);
      this.#marks.shift()?.resolve();
    }
  }

  #take(name: string, head: Uint8Array, batch: Uint8Array): void {
    const chain = readChain(head);
    if (chain?.session === this.#session) return;
    if (chain && this.#gaps.missed(name, chain)) {
      this.#events.onMissed(name, new Error("the proxy has dropped messages: this node did not keep up"));
    }
    // The name in front decides, because the subscription matched this name.
    if (!chain || !readBatch(batch, (_, data) => this.#events.onMessage(name, data))) {
      this.#events.onForeign();
    }
  }

  #lose(cause: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const sentinel of this.#sentinels) sentinel.close();
    this.#others.close();
    this.#lost.resolve();
    this.#events.onLost(cause);
  }
}

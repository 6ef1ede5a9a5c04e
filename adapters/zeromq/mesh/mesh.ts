/**
 * One node of a mesh. It listens, connects to all others, and sends them its subscriptions.
 *
 * @module
 */

import type { Clock } from "../../../contract/clock.ts";
import { inTime } from "../../kit/deadline.ts";
import type { LinkEvents } from "../../kit/engine.ts";
import { orAborted } from "../../kit/or_aborted.ts";
import type { OutgoingMessage, PublishResults } from "../../kit/outbox.ts";
import { Waiters } from "../../kit/waiters.ts";
import { readBatch, toEntry } from "../batch.ts";
import { type Place, readControl, readCount, readHello, readLost, VERSION } from "./control.ts";
import { connecting, listening, type Security } from "../curve.ts";
import { ConnectError } from "../errors.ts";
import { contextOf, Gatekeeper } from "../gatekeeper.ts";
import { Sources } from "./sources.ts";
import type { Context, Router, ZeroMq } from "../library.ts";
import { Outgoing } from "./outgoing.ts";
import { preflight, untilFree } from "../preflight.ts";
import { Pump } from "../pump.ts";
import { Routes } from "./routes.ts";
import { socketOptions } from "../sockets.ts";

/**
 * The connecting side chooses the name of a connection, which may have any bytes. This decoding maps different names to
 * different texts.
 */
const decoder = new TextDecoder("latin1");

/** Options of {@linkcode Mesh}. */
export interface MeshOptions {
  readonly bind: string;
  readonly advertise: string;
  readonly peers: readonly Place[];
  readonly prefix: string;
  readonly security: Security;
  readonly clock: Clock;
  readonly connectTimeoutMs: number;
  readonly probeIntervalMs: number;
  readonly probeTimeoutMs: number;
  readonly maxPendingBytes: number;
}

/** One node of a mesh. */
export class Mesh {
  readonly #options: MeshOptions;
  readonly #zmq: ZeroMq;
  readonly #context: Context;
  readonly #nodeId: string;
  readonly #events: LinkEvents;
  readonly #router: Router;
  readonly #pump: Pump;
  readonly #sources: Sources;
  readonly #routes: Routes;
  /** The connections that want each name. */
  readonly #takers = new Map<string, Set<Outgoing>>();
  /** Callers that wait until a node sends to this one. */
  readonly #mutual = new Waiters<string>();
  /** Broken connections, which take no more data. Data that arrived before must still be read. */
  readonly #broken = new Set<string>();
  #gatekeeper: Gatekeeper | undefined;
  #address = "";
  #joined = false;
  #parting = false;
  #ended = false;

  /**
   * @param options The options.
   * @param zmq The library.
   * @param nodeId The id of this node.
   * @param events The callbacks.
   */
  constructor(options: MeshOptions, zmq: ZeroMq, nodeId: string, events: LinkEvents) {
    const { clock, connectTimeoutMs } = options;
    this.#options = options;
    this.#zmq = zmq;
    this.#nodeId = nodeId;
    this.#events = events;
    this.#context = contextOf(zmq, options.security);
    this.#router = new zmq.Router({
      ...this.#socketOptions(options.bind),
      ...listening(options.security),
      mandatory: true, // so that a send to a lost connection fails
    });
    this.#pump = new Pump(() => !this.#joined || this.#parting || this.#sources.isAwaited);
    this.#sources = new Sources({
      send: (connection, text) => this.#answer(connection, text),
      clock,
      onLive: ({ id, joined }, again) => {
        this.#mutual.settle(id);
        if (again) events.onMissed(undefined, new Error("a node that was away is back"));
        else if (joined && this.#joined) {
          events.onMissed(
            undefined,
            new Error("a node was found that this node could not reach at its start"),
          );
        }
      },
      onLost: ({ id, address }, reason) => {
        if (!this.#routes.linkOf(id)) return; // its loss is reported already
        events.onTrouble("delivery", `Nothing arrives from ${address} any more`, new Error(reason));
      },
    });
    this.#routes = new Routes({
      clock,
      connectTimeoutMs,
      nodeId,
      dial: async (place, former, onLost, signal) => {
        await preflight(place.address, options.security, signal);
        return this.#dial(place, former, onLost);
      },
      onUp: (_, id) => this.#untilMutual(id),
      onDown: (link, { address }, cause) => this.#down(link, address, cause),
      onTrouble: ({ address }, cause) =>
        events.onTrouble("delivery", `Cannot reach the node ${address}`, cause),
    });
  }

  /** The address on which it listens, once it does. */
  get address(): string {
    return this.#address;
  }

  /**
   * Listens, and connects to all known nodes.
   *
   * @param signal Ends the attempt.
   */
  async join(signal: AbortSignal): Promise<void> {
    const { bind, advertise, peers, security } = this.#options;
    if (security.keys) {
      const { allow } = security.keys;
      const onRefused = (address: string) =>
        this.#events.onTrouble("delivery", `Refused ${address}`, new Error("its key is not in curve.allow"));
      this.#gatekeeper = await Gatekeeper.start(this.#zmq, this.#context, this.#pump, allow, onRefused);
    }
    try {
      await this.#router.bind(bind);
    } catch (cause) {
      const { code } = cause as { code?: string };
      const why = code === "EADDRINUSE"
        ? "another program listens there; set bind"
        : `it cannot be bound; set bind`;
      throw new ConnectError("refused", why, cause);
    }
    this.#address = advertise.replace(/:[*0]$/, this.#router.lastEndpoint!.match(/:\d+$/)?.[0] ?? "");
    this.#pump.add(this.#router, {
      onMessage: (frames) => this.#receive(frames),
      onDrained: () => this.#removeBroken(),
    });
    for (const peer of peers) if (peer.address !== this.#address) this.#routes.add(peer, true);
    await orAborted(this.#routes.settle(), signal);
    this.#joined = true;
  }

  /** Subscribes to names. Resolves when all nodes send them. */
  async subscribe(names: readonly string[]): Promise<void> {
    await this.#sources.want(names, []);
  }

  /** Ends subscriptions. Resolves when no node sends them any more. */
  async unsubscribe(names: readonly string[]): Promise<void> {
    await this.#sources.want([], names);
  }

  /** Sends messages to the nodes that want them. */
  publish(messages: readonly OutgoingMessage[]): PublishResults {
    const touched = new Set<Outgoing>();
    const results: (undefined | "full")[] = [];
    for (const [i, message] of messages.entries()) {
      const takers = this.#takers.get(message.name);
      if (!takers) continue;
      const entry = toEntry(message);
      for (const link of takers) {
        touched.add(link);
        if (!link.offer(message.name, entry)) results[i] = "full";
      }
    }
    for (const link of touched) link.flush();
    return results;
  }

  /** How many other nodes want a name. */
  countTakers(name: string): number {
    return this.#takers.get(name)?.size ?? 0;
  }

  /** Checks all connections. */
  async check(): Promise<void> {
    const { probeIntervalMs, probeTimeoutMs } = this.#options;
    this.#sources.check(probeIntervalMs, probeTimeoutMs);
    await Promise.all([...this.#routes.links].map((link) => link.probe(probeTimeoutMs)));
  }

  /** Says goodbye. Resolves when all others have the messages that were sent. */
  async part(): Promise<void> {
    this.#parting = true;
    await Promise.all([...this.#routes.links].map((link) => link.confirm("bye")));
  }

  /** Closes all sockets. */
  async end(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    this.#sources.close();
    await this.#routes.close();
    this.#pump.close();
    const { lastEndpoint } = this.#router;
    this.#router.close();
    this.#gatekeeper?.close();
    await untilFree(lastEndpoint);
  }

  #socketOptions(address: string) {
    return { context: this.#context, ...socketOptions(this.#options, address) };
  }

  #dial({ address, key }: Place, former: string | undefined, onLost: (cause: unknown) => void): Outgoing {
    const { security, clock, maxPendingBytes, prefix } = this.#options;
    const routingId = crypto.randomUUID();
    const socket = new this.#zmq.Dealer({
      ...this.#socketOptions(address),
      ...connecting(security, key),
      routingId,
      reconnectInterval: -1, // messages on their way are lost, so the adapter opens a new connection and reports it
    });
    const hello = {
      v: VERSION,
      prefix,
      id: this.#nodeId,
      address: this.#address,
      key: security.keys?.publicKey,
      joined: this.#joined,
      former,
    };
    const onWants = (link: Outgoing, add: readonly string[], remove: readonly string[]) => {
      for (const name of remove) this.#leave(link, name);
      for (const name of add) {
        const takers = this.#takers.get(name);
        if (takers) takers.add(link);
        else this.#takers.set(name, new Set([link]));
      }
    };
    const pump = this.#pump;
    return new Outgoing({ socket, pump, routingId, address, clock, maxPendingBytes, onWants, onLost }, hello);
  }

  #leave(link: Outgoing, name: string): void {
    const takers = this.#takers.get(name);
    if (takers?.delete(link) && takers.size === 0) this.#takers.delete(name);
  }

  #down(link: Outgoing, address: string, cause: unknown): void {
    for (const name of link.wants) this.#leave(link, name);
    if (!this.#ended) this.#sources.poke();
    if (link.parted || this.#ended) return;
    const { unconfirmed } = link;
    const last = unconfirmed === 1 ? "message" : `${unconfirmed} messages`;
    const lost = unconfirmed === 0 ? "" : `, which may not have got the last ${last}`;
    this.#events.onTrouble("delivery", `Lost the node ${address}${lost}`, cause as Error);
  }

  /** Waits until a reached node also reaches this one. */
  async #untilMutual(id: string): Promise<void> {
    if (this.#sources.isLive(id)) return;
    const { clock, connectTimeoutMs } = this.#options;
    try {
      await inTime(clock, connectTimeoutMs, this.#mutual.wait(id), `It does not reach ${this.#address}`);
    } catch (error) {
      if (!this.#ended) {
        this.#events.onTrouble(
          "delivery",
          `This node reaches the node ${id}, but that node does not reach this one; set advertise`,
          error as Error,
        );
      }
    }
  }

  #answer(connection: string, text: string): void {
    if (this.#ended) return;
    this.#router.send([connection, text]).catch(() => this.#broken.add(connection));
    this.#pump.hurry();
  }

  #removeBroken(): void {
    for (const connection of this.#broken) this.#sources.remove(connection, "its connection broke");
    this.#broken.clear();
  }

  #receive([connection, frame, batch]: readonly Uint8Array[]): void {
    const from = decoder.decode(connection);
    if (batch === undefined) this.#hear(from, readControl(frame ?? new Uint8Array()));
    else if (this.#sources.sign(from)) this.#take(from, batch);
  }

  #take(connection: string, batch: Uint8Array): void {
    let count = 0;
    const whole = readBatch(batch, (name, data) => {
      count++;
      this.#events.onMessage(name, data);
    });
    if (!whole) this.#events.onForeign();
    this.#sources.received(connection, batch.length, count);
  }

  #hear(connection: string, [what, ...words]: readonly unknown[]): void {
    if (what === "hello") return this.#greet(connection, words[0]);
    if (!this.#sources.sign(connection)) return;
    switch (what) {
      case "has":
        return this.#sources.has(connection, readCount(words[0]));
      case "ping":
        return this.#sources.pong(connection, readCount(words[0]));
      case "bye":
        this.#sources.pong(connection, readCount(words[0]));
        return this.#routes.linkOf(this.#sources.left(connection))?.parts();
      case "lost":
        return this.#missed(readLost(words[0]));
    }
  }

  #missed(names: readonly (string | undefined)[]): void {
    const reason = new Error("this node did not keep up, and more than maxPendingBytes waited for it");
    for (const name of names) this.#events.onMissed(name, reason);
  }

  #greet(connection: string, value: unknown): void {
    const hello = readHello(value);
    const answer = (...words: readonly unknown[]) => this.#answer(connection, JSON.stringify(words));
    if (!hello) return answer("no", `it speaks another version than ${VERSION} of this adapter`);
    if (hello.prefix !== this.#options.prefix) {
      return answer("no", "it has another prefix: give all nodes the same");
    }
    answer("welcome", {
      id: this.#nodeId,
      address: this.#address,
      key: this.#options.security.keys?.publicKey,
      peers: this.#routes.places,
    });
    if (hello.id === this.#nodeId) return;
    this.#sources.greeted(connection, hello);
    this.#routes.greeted(hello);
  }
}

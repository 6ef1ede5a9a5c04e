/**
 * Carries the messages of one node over libp2p, to every other node that subscribes to the topic of their channel.
 *
 * @module
 */

import type { AdapterData } from "../adapter.ts";
import { inTime } from "../kit/deadline.ts";
import { encodeEnvelope } from "../kit/envelope.ts";
import type { Failure } from "../kit/failure.ts";
import { Inbox } from "../kit/inbox.ts";
import { LibraryError } from "../kit/library.ts";
import { Outbox } from "../kit/outbox.ts";
import type { Carrier, Reporter } from "../kit/shell.ts";
import { Wanted } from "../kit/wanted.ts";
import { Discovery } from "./discovery.ts";
import { DnsSource } from "./dns.ts";
import { readFrame } from "./frame.ts";
import { Mesh } from "./mesh.ts";
import { leaveTopic, type RunningNode } from "./node.ts";
import type { Settings } from "./options.ts";
import type { Peer } from "./peer.ts";
import { Receiver } from "./receiver.ts";
import { Relays } from "./relays.ts";
import { Sender } from "./sender.ts";
import { applicationOf, nameOf, Topics } from "./topics.ts";

/** How long `close` waits for earlier publishes to leave, and then for connections to close. */
const DRAIN_MS = 2_000;
const STOP_MS = 1_000;
/** How long a node that has lost all others is down before it counts as the only node, if it may be alone. */
const ALONE_MS = 30_000;
/** How long such a node still counts as up. In this time it may reach a node again, or find that the others have stopped. */
const UNSURE_MS = 1_000;

/** One node. */
export class MeshCarrier implements Carrier {
  readonly #settings: Settings;
  readonly #reporter: Reporter;
  readonly #inbox: Inbox;
  readonly #outbox: Outbox;
  readonly #wanted: Wanted;
  readonly #receiver: Receiver;
  /** The channels of each topic that this node subscribes to. */
  readonly #joined = new Map<string, Set<string>>();
  #topics: Topics | undefined;
  #running: RunningNode | undefined;
  #sender: Sender | undefined;
  #mesh: Mesh | undefined;
  #discovery: Discovery | undefined;
  #relays: Relays | undefined;
  #state: "down" | "rising" | "up" = "down";
  /** When this node lost its last peer. */
  #lostAt: number | undefined;
  #begun = false;
  #everUp = false;
  #cancelProbe = () => {};
  #cancelAlone = () => {};
  #closed = false;
  #starting: Promise<void> | undefined;

  /**
   * @param settings The checked options.
   * @param reporter Takes the reports.
   */
  constructor(settings: Settings, reporter: Reporter) {
    const { clock, maxPendingBytes } = settings;
    this.#settings = settings;
    this.#reporter = reporter;
    this.#inbox = new Inbox({
      nodeId: reporter.nodeId,
      deliver: (channel, data, from) => reporter.deliver(channel, data, from),
      onForeign: (channel) => reporter.foreign(channel),
    });
    this.#outbox = new Outbox({
      maxPendingBytes,
      reasonOf: (failure) =>
        failure === "full"
          ? "other nodes do not keep up, and more than maxPendingBytes wait for them"
          : "libp2p refuses",
      onLost: (...loss) => reporter.lost(...loss),
    });
    this.#wanted = new Wanted({ clock, batchSize: 10_000, onRefused: () => {}, onBack: () => {} });
    this.#receiver = new Receiver({
      clock,
      deliver: (_topic, { entries }) => {
        for (const { name, data } of entries) {
          const channel = this.#wanted.channelOf(name);
          if (channel !== undefined && !this.#closed) this.#inbox.receive(channel, data);
        }
      },
      onGap: (topic) => this.#onGap(topic),
    });
  }

  start(): void {
    this.#starting = this.#start().catch((cause) => {
      if (!this.#closed) this.#reporter.failed(this.#judge(cause));
    });
  }

  subscribe(channel: string, signal: AbortSignal | undefined): Promise<void> {
    return this.#wanted.subscribe(nameOf(channel), channel, signal);
  }

  unsubscribe(channel: string): Promise<void> {
    return this.#wanted.unsubscribe(nameOf(channel));
  }

  publish(channel: string, data: AdapterData): void {
    this.#outbox.publish({
      name: nameOf(channel),
      channel,
      data: encodeEnvelope(this.#reporter.nodeId, data),
    });
  }

  async countListeners(channel: string): Promise<number | undefined> {
    if (this.#state !== "up" || !this.#mesh) return undefined;
    const name = nameOf(channel);
    const own = this.#wanted.channelOf(name) === undefined ? 0 : 1;
    const counting = this.#mesh.countListeners(name);
    const { clock, probeTimeoutMs } = this.#settings;
    return own + await inTime(clock, probeTimeoutMs, counting, "not all nodes have answered");
  }

  async close(reason: Error): Promise<void> {
    this.#closed = true;
    this.#cancelProbe();
    this.#cancelAlone();
    this.#wanted.close(reason);
    this.#discovery?.close();
    const left = this.#relays?.close();
    await this.#within(DRAIN_MS, this.#outbox.drain().then(() => this.#mesh?.settle()));
    this.#sender?.close(reason);
    this.#outbox.detach();
    await this.#outbox.drain();
    const { node, pubsub } = this.#running ?? {};
    for (const topic of this.#joined.keys()) leaveTopic(pubsub!, topic);
    pubsub?.removeEventListener("message", this.#onMessage);
    node?.removeEventListener("stop", this.#onStopped);
    await this.#within(STOP_MS, this.#mesh?.close());
    await this.#within(STOP_MS, Promise.all([left, this.#starting]));
    this.#receiver.close();
    await this.#stop();
  }

  async #stop(): Promise<void> {
    if (!this.#running) return;
    const { node, stop } = this.#running;
    const stopping = stop();
    await this.#within(STOP_MS, stopping);
    // A dead connection would take long to close.
    if (this.#settings.owned) { for (const one of node.getConnections()) one.abort(new Error("closed")); }
    await this.#within(STOP_MS, stopping);
  }

  async #start(): Promise<void> {
    const { clock, prefix, members, connectTimeoutMs, probeTimeoutMs, probeIntervalMs } = this.#settings;
    const application = await applicationOf(prefix);
    const topics = this.#topics = new Topics(application);
    const running = this.#running = await this.#settings.start();
    if (this.#closed) return;
    const session = [...crypto.getRandomValues(new Uint8Array(8))]
      .map((byte) => byte.toString(16).padStart(2, "0")).join("");
    const sender = this.#sender = new Sender({
      pubsub: running.pubsub,
      clock,
      session,
      topicOf: (name) => topics.of(name),
      recipients: () => this.#mesh?.introduced ?? [],
      sent: (topic, ids) => this.#mesh?.sent(topic, ids) ?? [],
    });
    const mesh = this.#mesh = new Mesh({
      running,
      protocol: `/trunkline/1/${application}`,
      nodeId: this.#reporter.nodeId,
      session,
      clock,
      answerTimeoutMs: connectTimeoutMs,
      probeTimeoutMs,
      sender,
      admits: (id) => members.has(id),
      allTopics: topics.all,
      topics: () => [...this.#joined.keys()],
      listens: (name) => this.#wanted.channelOf(name) !== undefined,
      onIntroduced: (peer) => this.#onIntroduced(peer),
      onPositions: (...positions) => this.#receiver.expect(...positions),
      onAddresses: (addresses) => this.#discovery?.found(addresses),
      onGone: (peer, cause) => this.#onGone(peer, cause),
    });
    const { dns, mdnsFirstMs, bootstrap, relays } = this.#settings;
    const discovery = this.#discovery = new Discovery({
      node: running.node,
      clock,
      bootstrap,
      dns: dns && new DnsSource({ ...dns, clock }),
      mdnsFirstMs,
      dialTimeoutMs: connectTimeoutMs,
      admits: (id) => members.has(id),
      met: (id) => mesh.met(id),
      isMet: (id) => mesh.get(id)?.introduced ?? false,
      onChange: () => this.#review(),
      onTrouble: (error) =>
        this.#reporter.trouble("Cannot look for other nodes", "delivery", undefined, error),
    });
    running.pubsub.addEventListener("message", this.#onMessage);
    running.node.addEventListener("stop", this.#onStopped);
    await mesh.start();
    this.#relays = new Relays({
      node: running.node,
      clock,
      application,
      addresses: relays,
      dialTimeoutMs: connectTimeoutMs,
      probeIntervalMs,
      probeTimeoutMs,
      reserve: running.reserve,
      onTrouble: (error) =>
        this.#reporter.trouble("Cannot be reached through a relay", "open", undefined, error),
      onAddresses: (addresses) => discovery.found(addresses),
      onChange: () => this.#review(),
    });
    await discovery.start(this.#relays.first);
    await discovery.first;
    this.#begun = true;
    this.#review();
  }

  readonly #onMessage = ({ detail }: CustomEvent) => {
    const { topic, from, data } = detail as { topic: string; from?: object; data: Uint8Array };
    if (!this.#topics?.has(topic) || this.#closed) return;
    const id = String(from);
    const frame = from && this.#settings.members.has(id) ? readFrame(data) : undefined;
    if (!frame) {
      const [name] = this.#joined.get(topic) ?? [];
      const channel = name === undefined ? undefined : this.#wanted.channelOf(name);
      if (channel !== undefined) this.#reporter.foreign(channel);
      return;
    }
    this.#mesh?.heard(id, frame.count, frame.ask);
    this.#receiver.take(`${id} ${frame.session}`, topic, frame);
  };

  /** The user has stopped the node. */
  readonly #onStopped = () => {
    const error = new Error("The libp2p node was stopped: close the hub first, and then its node");
    this.#reporter.failed({ kind: "final", error });
    this.#begun = false; // for good
    if (this.#state !== "down") this.#fall();
    this.#wanted.close(error);
    this.#outbox.end("its node was stopped");
  };

  #onIntroduced({ id }: Peer): void {
    this.#discovery?.arrived(id);
    this.#lostAt = undefined;
    this.#review();
  }

  #onGone(peer: Peer, cause: Error | undefined): void {
    if (this.#closed) return;
    this.#discovery?.gone(peer.id, cause === undefined);
    if (cause && peer.wasIntroduced) {
      this.#reporter.broken("The connection", "delivery", cause, peer.address);
      if (this.#mesh!.introduced.length === 0) this.#lostAt = this.#settings.clock.now();
    }
    this.#review();
  }

  #onGap(topic: string): void {
    const names = [...this.#joined.get(topic) ?? []];
    const channels = names.map((name) => this.#wanted.channelOf(name)).filter((one) => one !== undefined);
    if (channels.length > 0) this.#reporter.gap(channels);
  }

  /** Whether this node counts as connected to its cluster. */
  get #reaches(): boolean {
    if (!this.#begun) return false;
    if (this.#mesh!.introduced.length > 0) return true;
    const { mayBeAlone, seemsAlone } = this.#discovery!;
    const noRelay = this.#settings.relays.length > 0 && !this.#relays!.reached;
    // A node that was alone stays so until it connects to a peer.
    if (this.#lostAt === undefined) return this.#state !== "down" || (mayBeAlone && !noRelay);
    // It was not alone. The network works if a relay answers, or if a machine refuses the connection.
    if (seemsAlone || this.#relays!.reached) return true;
    return mayBeAlone && !noRelay && this.#settings.clock.now() - this.#lostAt >= ALONE_MS;
  }

  #review(): void {
    if (!this.#begun || this.#closed) return;
    if (this.#reaches) {
      if (this.#state === "down") void this.#rise();
      return;
    }
    const { clock } = this.#settings;
    const lostMs = clock.now() - (this.#lostAt ?? -Infinity);
    if (this.#state === "up" && lostMs >= UNSURE_MS) this.#fall();
    else if (this.#state === "down") {
      const failures = [...this.#relays!.failures, ...this.#discovery!.failures];
      if (failures.length > 0) this.#reporter.failed(this.#judge(new Error(failures.slice(0, 3).join("; "))));
    }
    const nextMs = this.#state === "up" ? UNSURE_MS : ALONE_MS;
    if (lostMs >= nextMs) return;
    this.#cancelAlone();
    this.#cancelAlone = clock.after(nextMs - lostMs, () => this.#review(), { background: true });
  }

  async #rise(): Promise<void> {
    this.#state = "rising";
    const { clock, connectTimeoutMs } = this.#settings;
    // After a break: dials all nodes before this node reports that it is back.
    if (this.#everUp) await this.#discovery!.round();
    if (this.#closed) return;
    await this.#wanted.attach({
      subscribe: (names) => this.#join(names),
      unsubscribe: (names) => this.#leave(names),
      onBroken: () => {},
    }, (step, what) => inTime(clock, 2 * connectTimeoutMs, step, what)).catch(() => {});
    if (this.#closed) return;
    // The peers may be lost again meanwhile.
    if (!this.#reaches) {
      this.#fall();
      return this.#review();
    }
    this.#state = "up";
    this.#everUp = true;
    this.#outbox.attach((messages) => this.#sender!.send(messages));
    this.#reporter.up();
    this.#probeLater();
    this.#review();
  }

  #fall(): void {
    this.#state = "down";
    this.#cancelProbe();
    this.#wanted.detach();
    this.#outbox.detach();
    for (const topic of this.#joined.keys()) this.#forget(topic);
    this.#reporter.down();
  }

  #probeLater(): void {
    const { clock, probeIntervalMs } = this.#settings;
    this.#cancelProbe();
    this.#cancelProbe = clock.after(probeIntervalMs, async () => {
      await this.#mesh!.probe();
      if (!this.#closed && this.#state === "up") this.#probeLater();
    }, { background: true });
  }

  /** Subscribes to channels. Resolves when all other nodes know. */
  async #join(names: readonly string[]): Promise<void> {
    for (const name of names) {
      const topic = this.#topics!.of(name);
      const channels = this.#joined.get(topic);
      if (channels) channels.add(name);
      else {
        this.#joined.set(topic, new Set([name]));
        this.#running!.pubsub.subscribe(topic);
      }
    }
    await this.#mesh!.ask([...new Set(names.map((name) => this.#topics!.of(name)))]);
  }

  #leave(names: readonly string[]): Promise<void> {
    for (const name of names) {
      const topic = this.#topics!.of(name);
      const channels = this.#joined.get(topic);
      channels?.delete(name);
      if (channels?.size === 0) this.#forget(topic);
    }
    return Promise.resolve();
  }

  #forget(topic: string): void {
    this.#joined.delete(topic);
    leaveTopic(this.#running!.pubsub, topic);
    this.#receiver.leave(topic);
  }

  #judge(cause: unknown): Failure {
    if (cause instanceof LibraryError || cause instanceof TypeError) return { kind: "refused", error: cause };
    const { message } = cause as Error;
    if (!this.#begun) {
      const error = new Error(`Cannot start libp2p at ${this.#settings.address}: ${message}`, { cause });
      return { kind: "refused", error };
    }
    const error = new Error(`Cannot reach any other node by libp2p: ${message}`, { cause });
    return { kind: "unreachable", error };
  }

  async #within(ms: number, promise: Promise<unknown> | undefined): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const cancel = this.#settings.clock.after(ms, resolve);
    await Promise.race([promise, late]).catch(() => {});
    cancel();
  }
}

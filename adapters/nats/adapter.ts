/**
 * Channels over a connection to NATS: what is subscribed, on which connection, and since when.
 *
 * @module
 */

import { HubError } from "../../contract/errors.ts";
import type { Adapter, AdapterContext, AdapterData, AdapterStage } from "../adapter.ts";
import { decodeEnvelope, encodeEnvelope } from "../kit/envelope.ts";
import type { NatsClient, NatsMessage, NatsSubscription } from "./client.ts";
import { Dialer } from "./dialer.ts";
import { RefusedError } from "./errors.ts";
import { Link } from "./link.ts";
import type { Settings } from "./options.ts";
import { Reach } from "./reach.ts";
import { Reports } from "../kit/reports.ts";

/** What servers take unless told otherwise. Before the first connection nobody knows better. */
const DEFAULT_MAX_PAYLOAD = 1024 * 1024;

/** The longest head of an envelope: its mark, the length and colon, and an id of 1,024 characters. */
const MAX_HEAD_BYTES = 9 + 3 * 1024;

/** Of how many denied subjects it is remembered that they were reported. */
const MAX_DENIED = 1_000;

/** How long `close` waits until the server has what was published before. */
const CLOSE_MS = 2_000;

/** A channel that is subscribed. */
interface Entry {
  readonly channel: string;
  readonly subject: string;
  /** On the connection of now. */
  subscription?: NatsSubscription;
  /** Whether its subscribe waits, and takes the error. */
  waiting: boolean;
  denied?: Error;
  /** Whether foreign data on it was reported. */
  reported: boolean;
}

const encoder = new TextEncoder();

/** The adapter behind `createNatsAdapter`. */
export class NatsAdapter implements Adapter {
  readonly name = "nats";
  readonly #settings: Settings;
  readonly #losses: Reports;
  readonly #entries = new Map<string, Entry>();
  readonly #denied = new Set<string>();
  readonly #closing = new AbortController();
  readonly #opening: PromiseWithResolvers<void> = Promise.withResolvers();
  #context: AdapterContext | undefined;
  #opened = false;
  #link: Link | undefined;
  #reach: Reach | undefined;
  #status: "up" | "down" = "down";
  /** What was reported of this outage: each once. */
  readonly #reported = new Set<"away" | "refused">();
  #maxPayload = DEFAULT_MAX_PAYLOAD;
  #headBytes = MAX_HEAD_BYTES;
  /** Connecting and reconnecting, where the connection is ours. */
  #connecting: Promise<void> | undefined;
  #closed: Promise<void> | undefined;

  /** @param settings The options. */
  constructor(settings: Settings) {
    this.#settings = settings;
    this.#losses = new Reports(settings.clock);
    // Whoever closes before opening does not wait for it.
    this.#opening.promise.catch(() => {});
  }

  /** The server's limit of now, less the envelope's head; before the first connection what servers take by default. */
  get maxMessageBytes(): number {
    return Math.max(0, this.#maxPayload - this.#headBytes);
  }

  open(context: AdapterContext): Promise<void> {
    if (this.#closed) return Promise.reject(new Error("Cannot open a closed NATS adapter"));
    if (this.#context) {
      return Promise.reject(new TypeError("Cannot open a NATS adapter twice: create one for each hub"));
    }
    try {
      this.#headBytes = encodeEnvelope(context.nodeId, new Uint8Array()).length;
    } catch (error) {
      return Promise.reject(error);
    }
    this.#context = context;
    const { source } = this.#settings;
    if (source instanceof Dialer) this.#connect(source);
    else this.#adopt(source);
    return this.#opening.promise;
  }

  async subscribe(channel: string): Promise<void> {
    const entry: Entry = {
      channel,
      subject: this.#settings.subjects.encode(channel),
      waiting: true,
      reported: false,
    };
    if (!this.#context) throw new Error("Cannot subscribe: the NATS adapter is not open");
    const [link, reach] = [this.#link, this.#reach];
    if (!link?.live || !reach) {
      throw new Error(`Cannot subscribe to "${channel}": NATS at ${this.#address} is not reachable`);
    }
    this.#entries.set(channel, entry);
    try {
      this.#attach(entry, link);
      await reach.confirm();
      if (entry.denied) throw entry.denied;
      if (!link.live) throw new Error("the connection broke meanwhile");
      if (this.#entries.get(channel) !== entry) throw new Error("it was unsubscribed meanwhile");
    } catch (cause) {
      this.#detach(entry);
      const { message } = cause as Error;
      throw new Error(`Cannot subscribe to "${channel}" on NATS at ${this.#address}: ${message}`, { cause });
    } finally {
      entry.waiting = false;
    }
  }

  unsubscribe(channel: string): Promise<void> {
    const entry = this.#entries.get(channel);
    if (entry) this.#detach(entry);
    return Promise.resolve();
  }

  publish(channel: string, data: AdapterData): void {
    const context = this.#context;
    if (!context) return;
    let subject: string;
    try {
      subject = this.#settings.subjects.encode(channel);
    } catch (error) {
      return this.#reportLater(error as Error, "publish", channel);
    }
    const envelope = encodeEnvelope(context.nodeId, data);
    const bytes = typeof envelope === "string" ? encoder.encode(envelope) : envelope;
    if (bytes.length > this.#maxPayload) return this.#refuse(channel, bytes.length - this.#headBytes);
    const link = this.#link;
    if (!link?.live) return this.#lose("away", channel, "it is not reachable");
    try {
      if (!link.publish(subject, bytes)) {
        this.#lose("full", channel, "more than maxPendingBytes are on their way to it");
      }
    } catch (cause) {
      this.#lose("away", channel, (cause as Error).message, cause);
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const { source, clock } = this.#settings;
    const link = this.#link;
    const owned = source instanceof Dialer;
    this.#losses.close();
    this.#context = undefined;
    this.#opening.reject(new Error("Cannot open the NATS adapter: it was closed meanwhile"));
    this.#closing.abort(new Error("it was closed meanwhile"));
    if (link) {
      // A client that is closed has no subscriptions to end.
      if (!owned) { for (const entry of [...this.#entries.values()]) this.#detach(entry); }
      if (link.live) {
        this.#reach?.part();
        const { promise: late, resolve } = Promise.withResolvers<void>();
        const cancel = clock.after(CLOSE_MS, resolve);
        await Promise.race([link.confirm().catch(() => {}), late]);
        cancel();
      }
      this.#reach?.leave();
      link.end();
      if (owned) await link.client.close();
    }
    this.#entries.clear();
    await this.#connecting;
  }

  /** Connects until it is connected; called anew whenever a connection of ours is lost. */
  #connect(dialer: Dialer): void {
    this.#connecting = (async () => {
      try {
        const client = await dialer.dial(this.#closing.signal, (error) => this.#onFailure(error));
        if (this.#closed) return await client.close();
        dialer.discover(client.info?.connect_urls);
        this.#adopt(client);
      } catch (error) {
        // Closed meanwhile, or refused; a refusal is for whoever opens, and does not come later.
        this.#opening.reject(error);
        if (!this.#opened || this.#closed) return;
        this.#reportOutage("away", error as Error);
        this.#connect(dialer);
      }
    })();
  }

  /** A round of attempts failed. */
  #onFailure(error: Error): void {
    const refused = error instanceof RefusedError;
    if (refused && !this.#opened) throw error;
    this.#reportOutage(refused ? "refused" : "away", error);
  }

  #adopt(client: NatsClient): void {
    const { subjects, clock, probeIntervalMs, maxPendingBytes } = this.#settings;
    const link: Link = new Link({
      client,
      reconnects: this.#settings.source === client,
      clock,
      probeIntervalMs,
      maxPendingBytes,
      onConnected: () => reach.join(),
      beforeLive: () => reach.joined(),
      onInterval: () => reach.refresh(),
      onLive: () => this.#onLive(link),
      onLost: (error) => this.#onLost(link, error),
      onPublishDenied: (subject) => this.#onPublishDenied(subject),
    });
    const reach = new Reach({ link, nodeId: this.#context!.nodeId, subjects, clock });
    this.#link = link;
    this.#reach = reach;
    try {
      for (const entry of this.#entries.values()) this.#attach(entry, link);
    } catch {
      return; // The client is closed already, and says so.
    }
    link.verify();
  }

  #onLive({ client }: Link): void {
    this.#maxPayload = client.info?.max_payload ?? this.#maxPayload;
    this.#opened = true;
    this.#reported.clear();
    this.#denied.clear();
    this.#setStatus("up");
    this.#opening.resolve();
  }

  #onLost(link: Link, error: Error): void {
    const { source } = this.#settings;
    if (this.#link !== link) return;
    this.#reach?.leave();
    this.#setStatus("down");
    this.#reportOutage("away", new Error(`Lost NATS at ${link.address}: ${error.message}`, { cause: error }));
    if (source instanceof Dialer) {
      this.#link = undefined;
      link.end();
      // Destroys the socket at once: there is nobody to say goodbye to.
      link.client.close().catch(() => {});
      this.#connect(source);
    } else if (source.isClosed()) {
      this.#opening.reject(
        new Error(`Cannot use the connection to NATS: ${error.message}`, { cause: error }),
      );
    }
  }

  #attach(entry: Entry, link: Link): void {
    entry.subscription = link.subscribe(entry.subject, (error, message) => {
      if (error) this.#onSubscribeDenied(entry, error);
      else if (this.#entries.get(entry.channel) === entry) this.#receive(entry, message);
    });
  }

  #detach(entry: Entry): void {
    if (this.#entries.get(entry.channel) === entry) this.#entries.delete(entry.channel);
    try {
      entry.subscription?.unsubscribe();
    } catch {
      // The client is closed: then it has no subscriptions.
    }
  }

  #receive(entry: Entry, { data }: NatsMessage): void {
    const context = this.#context;
    if (!context) return;
    const { channel } = entry;
    const envelope = decodeEnvelope(data as Uint8Array<ArrayBuffer>);
    if (envelope) {
      if (envelope.from !== context.nodeId) context.deliver(channel, envelope.data, envelope.from);
    } else if (!entry.reported) {
      entry.reported = true;
      const subject = `the subject ${entry.subject} of NATS at ${this.#address}`;
      context.onError(
        new Error(`Ignored a foreign message on ${subject}, and will ignore more without a word`),
        { stage: "delivery", channel },
      );
    }
  }

  #onSubscribeDenied(entry: Entry, cause: Error): void {
    const error = new Error(
      `the server does not permit to subscribe to ${entry.subject}: grant it to this user`,
      { cause },
    );
    entry.denied = error;
    if (!entry.waiting) this.#context?.onError(error, { stage: "subscribe", channel: entry.channel });
  }

  #onPublishDenied(subject: string): void {
    const channel = this.#settings.subjects.decode(subject);
    // Not ours: of whoever gave us the connection. And once for each channel.
    if (channel === undefined || this.#denied.has(channel) || this.#denied.size >= MAX_DENIED) return;
    this.#denied.add(channel);
    const error = new Error(
      `Cannot publish on "${channel}": NATS at ${this.#address} does not permit to publish on ${subject}: grant it to this user`,
    );
    this.#context?.onError(error, { stage: "publish", channel });
  }

  get #address(): string {
    const { source } = this.#settings;
    return this.#link?.address || (source instanceof Dialer ? source.addresses : source.getServer());
  }

  #reportOutage(what: "away" | "refused", error: Error): void {
    if (this.#reported.has(what)) return;
    this.#reported.add(what);
    this.#context?.onError(error, { stage: "open" });
  }

  #setStatus(status: "up" | "down"): void {
    if (this.#status === status) return;
    this.#status = status;
    this.#context?.onStatus(status);
  }

  #refuse(channel: string, bytes: number): void {
    const maxBytes = this.maxMessageBytes;
    const message =
      `Cannot publish ${bytes} bytes on "${channel}": NATS at ${this.#address} takes at most ${maxBytes}`;
    this.#reportLater(new HubError("TOO_LARGE", message, { data: { bytes, maxBytes } }), "publish", channel);
  }

  #lose(kind: string, channel: string, why: string, cause?: unknown): void {
    this.#losses.add(kind, 1, (count) => {
      const what = count === 1 ? `Cannot publish on "${channel}"` : `Cannot publish ${count} messages`;
      this.#context?.onError(new Error(`${what}: NATS at ${this.#address}: ${why}`, { cause }), {
        stage: "publish",
        channel,
      });
    });
  }

  /** Not within the caller's call. */
  #reportLater(error: Error, stage: AdapterStage, channel: string): void {
    queueMicrotask(() => this.#context?.onError(error, { stage, channel }));
  }
}

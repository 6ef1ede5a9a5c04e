/**
 * The adapter for the workers of one process, over the platform's `BroadcastChannel`, without anything to install.
 *
 * It reaches as far as the platform's BroadcastChannel. On Deno and on Bun, that is the main thread and the workers of
 * one process, not other processes. {@linkcode BroadcastChannelAdapter.probe} finds out for any platform.
 *
 * @module
 */

import type { Adapter, AdapterContext, AdapterData, AdapterWaitOptions } from "../adapter.ts";
import { type Clock, systemClock } from "../../contract/clock.ts";
import { abortSignal, clock, count, ms } from "../../contract/options/option_kinds.ts";
import {
  type Kind,
  optional,
  or,
  readOptions,
  type Rows,
  wrong,
} from "../../contract/options/read_options.ts";
import { orAborted } from "../kit/or_aborted.ts";
import { Flow } from "./flow.ts";
import { type Frame, packFrame, unpackFrame } from "./frame.ts";

/** Options of {@linkcode createBroadcastChannelAdapter}. */
export interface BroadcastChannelAdapterOptions {
  /** Keeps applications of one process apart: nodes with the same prefix form a cluster. Any text that is not empty. */
  readonly prefix: string;
  /**
   * How many bytes may be on their way to a worker that does not read. Beyond it the adapter drops messages, and
   * reports them with stage `"publish"`.
   *
   * @default {16_777_216}
   */
  readonly maxPendingBytes?: number;
  /**
   * The source of time, for tests.
   *
   * @default {systemClock}
   */
  readonly clock?: Clock;
}

/** Options of {@linkcode BroadcastChannelAdapter.probe}. */
export interface ProbeOptions {
  /**
   * How long to wait for answers, in milliseconds.
   *
   * @default {1_000}
   */
  readonly timeoutMs?: number;
  /** Ends the wait. */
  readonly signal?: AbortSignal;
}

/** What {@linkcode BroadcastChannelAdapter.probe} found. */
export interface ProbeResult {
  /** The ids of the other nodes that answered, sorted. */
  readonly nodes: readonly string[];
}

/** An {@linkcode Adapter} that can find out which nodes it reaches. */
export interface BroadcastChannelAdapter extends Adapter {
  /**
   * Asks which nodes are there: every open adapter with the same prefix answers with its node id. Run it in two
   * workers, processes or regions to find out whether a platform's BroadcastChannel connects them.
   *
   * @param options How long to wait.
   * @returns The nodes that answered in time.
   * @throws {Error} If the adapter is not open, or is closed meanwhile. If the signal is aborted, it rejects with the
   * signal's reason.
   */
  probe(options?: ProbeOptions): Promise<ProbeResult>;
}

/**
 * Creates the adapter for the workers of one process.
 *
 * @example Two nodes, here in one thread
 * ```ts
 * import { createBroadcastChannelAdapter } from "@trunkline/hub/adapters/broadcast-channel";
 * import { assertEquals } from "@std/assert";
 *
 * await using a = createBroadcastChannelAdapter({ prefix: "shop" });
 * await using b = createBroadcastChannelAdapter({ prefix: "shop" });
 * const callbacks = { deliver: () => {}, onError: () => {}, onStatus: () => {}, onGap: () => {} };
 * await a.open({ nodeId: "a", ...callbacks });
 * await b.open({ nodeId: "b", ...callbacks });
 *
 * assertEquals(await a.probe({ timeoutMs: 100 }), { nodes: ["b"] });
 * ```
 *
 * @param options The prefix, and the limits.
 * @throws {TypeError} If the prefix is empty or not well-formed Unicode.
 * @throws {RangeError} If `maxPendingBytes` is not above 0.
 */
export function createBroadcastChannelAdapter(
  options: BroadcastChannelAdapterOptions,
): BroadcastChannelAdapter {
  const read = readOptions("createBroadcastChannelAdapter", options, OPTIONS);
  return new ChannelAdapter(read.prefix, read.maxPendingBytes, read.clock);
}

/** Names are written in UTF-8, where all lone surrogates are the same. */
const prefix: Kind<string> = (value, place) => {
  if (typeof value === "string" && value !== "" && value.isWellFormed()) return value;
  throw wrong(value, place, "well-formed text that is not empty");
};

const OPTIONS = {
  prefix,
  maxPendingBytes: or(count({ max: Infinity }), 16 * 1024 * 1024),
  clock: or(clock, systemClock),
} satisfies Rows<BroadcastChannelAdapterOptions>;

const PROBE = { timeoutMs: or(ms(), 1_000), signal: optional(abortSignal) } satisfies Rows<ProbeOptions>;

/** A running probe. */
interface Probe {
  readonly nodes: Set<string>;
  fail(error: unknown): void;
}

/** How often to replace a BroadcastChannel that is dead from the start; see `#connect`. */
const CONNECT_ATTEMPTS = 3;

/** Of how many nodes to remember the last frame. Nodes that died are among them. */
const MAX_HEARD = 10_000;

/** After how many tasks a BroadcastChannel that is dead from the start has shown it, at the latest. In tests it took two. */
const TASKS_UNTIL_DEAD = 4;

/** Waits until a BroadcastChannel has shown whether it is dead from the start. */
async function untilDead(): Promise<void> {
  for (let i = 0; i < TASKS_UNTIL_DEAD; i++) await new Promise((resolve) => setTimeout(resolve, 0));
}

class ChannelAdapter implements BroadcastChannelAdapter {
  readonly name = "broadcast-channel";
  readonly #prefix: string;
  readonly #clock: Clock;
  readonly #flow: Flow;
  readonly #channels = new Set<string>();
  /** The number of the last frame of each other node, to notice lost frames. */
  readonly #heard = new Map<string, number>();
  readonly #probes = new Map<number, Probe>();
  readonly #reported = new Set<string>();
  #lastToken = 0;
  #context: AdapterContext | undefined;
  #socket: BroadcastChannel | undefined;
  #closed: Promise<void> | undefined;

  constructor(prefix: string, maxPendingBytes: number, clock: Clock) {
    this.#prefix = prefix;
    this.#clock = clock;
    this.#flow = new Flow({
      clock,
      maxPendingBytes,
      post: (seq, ask, entries) => this.#post({ kind: "data", from: this.#nodeId, seq, ask, entries }),
      onForget: (peer, silentMs) => {
        this.#report(
          "publish",
          `node "${peer}" has not answered for ${silentMs} ms, messages to it may be lost`,
        );
      },
    });
  }

  get #nodeId(): string {
    return this.#context?.nodeId ?? "";
  }

  async open(context: AdapterContext, { signal }: AdapterWaitOptions = {}): Promise<void> {
    if (this.#closed) throw new Error("Cannot open a closed BroadcastChannel adapter");
    if (this.#context) {
      throw new TypeError("Cannot open a BroadcastChannel adapter twice: create one for each hub");
    }
    this.#context = context;
    try {
      if (typeof BroadcastChannel === "undefined") {
        throw new Error("Cannot open the BroadcastChannel adapter: this platform has no BroadcastChannel");
      }
      await orAborted(this.#connect(), signal);
    } catch (error) {
      await this.close(); // an adapter that could not be opened is closed
      throw error;
    }
    context.onStatus("up");
  }

  // deno-lint-ignore require-await -- so that a refusal is a rejection
  async subscribe(channel: string, { signal }: AdapterWaitOptions = {}): Promise<void> {
    if (!this.#context) throw new Error("Cannot subscribe: the BroadcastChannel adapter is not open");
    signal?.throwIfAborted();
    this.#channels.add(channel);
  }

  unsubscribe(channel: string): Promise<void> {
    this.#channels.delete(channel);
    return Promise.resolve();
  }

  publish(channel: string, data: AdapterData): void {
    if (!this.#context) return;
    // The publisher may change its bytes after this call. A copy also avoids sending the whole buffer of a small view.
    const kept = typeof data === "string" ? data : new Uint8Array(data);
    if (this.#flow.add(channel, kept)) return;
    const error = this.#error("the other nodes read too slowly: more than maxPendingBytes wait for them");
    queueMicrotask(() => this.#context?.onError(error, { stage: "publish", channel }));
  }

  async probe(options?: ProbeOptions): Promise<ProbeResult> {
    const { timeoutMs, signal } = readOptions("probe", options, PROBE);
    signal?.throwIfAborted();
    if (!this.#socket || !this.#context) {
      throw new Error("Cannot probe: the BroadcastChannel adapter is not open");
    }
    const token = ++this.#lastToken;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const nodes = new Set<string>();
    const cancel = this.#clock.after(timeoutMs, resolve);
    const abort = () => reject(signal?.reason);
    signal?.addEventListener("abort", abort);
    this.#probes.set(token, { nodes, fail: reject });
    try {
      this.#post({ kind: "ask", from: this.#nodeId, seq: this.#flow.seq, token });
      await promise;
    } finally {
      cancel();
      signal?.removeEventListener("abort", abort);
      this.#probes.delete(token);
    }
    return { nodes: [...nodes].sort() };
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#flow.close();
    this.#post({ kind: "bye", from: this.#nodeId });
    this.#context = undefined;
    this.#channels.clear();
    this.#heard.clear();
    for (const { fail } of this.#probes.values()) {
      fail(new Error("Cannot probe: the BroadcastChannel adapter was closed meanwhile"));
    }
    if (!this.#socket) return;
    this.#disconnect();
    // See `#connect`: after this wait another BroadcastChannel can be created safely.
    await untilDead();
  }

  /**
   * On Deno, a new BroadcastChannel never sends or receives if the thread's last one was closed in the same turn. A
   * turn or two later its `postMessage` throws. The next one works.
   */
  async #connect(): Promise<void> {
    for (let attempt = 1;; attempt++) {
      const socket = new BroadcastChannel(`trunkline:${this.#prefix}`);
      this.#socket = socket;
      socket.onmessage = ({ data }) => this.#receive(data);
      socket.onmessageerror = () => this.#ignore("message that cannot be read");
      await untilDead();
      if (!this.#context) {
        throw new Error("Cannot open the BroadcastChannel adapter: it was closed meanwhile");
      }
      try {
        const hello: Frame = { kind: "ask", from: this.#nodeId, seq: this.#flow.seq, token: 0 };
        return socket.postMessage(packFrame(hello));
      } catch (cause) {
        this.#disconnect();
        if (attempt < CONNECT_ATTEMPTS) continue;
        throw new Error(`Cannot open BroadcastChannel "${this.#prefix}": the platform refuses it`, { cause });
      }
    }
  }

  #disconnect(): void {
    if (!this.#socket) return;
    this.#socket.onmessage = null;
    this.#socket.onmessageerror = null;
    this.#socket.close();
    this.#socket = undefined;
  }

  #post(frame: Frame): void {
    try {
      this.#socket?.postMessage(packFrame(frame));
    } catch (cause) {
      this.#report("publish", "the platform refuses the message", { cause });
    }
  }

  #receive(value: unknown): void {
    const frame = unpackFrame(value);
    if (typeof frame === "string") return this.#ignore(`${frame} message`);
    if (frame.from === this.#nodeId) return this.#ignore("message under this node's own id");
    // A node that sends a frame is there.
    if (frame.kind !== "bye") this.#flow.join(frame.from);
    switch (frame.kind) {
      case "data":
        return this.#receiveData(frame);
      case "ack":
        if (frame.to === this.#nodeId) this.#flow.acknowledge(frame.from, frame.seq);
        return;
      case "ask": {
        const { from: to, token } = frame;
        if (!this.#heard.has(to)) this.#note(to, frame.seq);
        return this.#post({ kind: "here", from: this.#nodeId, seq: this.#flow.seq, to, token });
      }
      case "here":
        if (!this.#heard.has(frame.from)) this.#note(frame.from, frame.seq);
        if (frame.to === this.#nodeId) this.#probes.get(frame.token)?.nodes.add(frame.from);
        return;
      case "bye":
        this.#heard.delete(frame.from);
        return this.#flow.leave(frame.from);
    }
  }

  /** Remembers the last frame of a node. */
  #note(from: string, seq: number): void {
    this.#heard.set(from, seq);
    if (this.#heard.size > MAX_HEARD) this.#heard.delete(this.#heard.keys().next().value!);
  }

  #receiveData({ from, seq, ask, entries }: Frame & { kind: "data" }): void {
    const lost = seq - (this.#heard.get(from) ?? seq - 1) - 1;
    if (lost < 0) return this.#ignore("repeated message");
    this.#note(from, seq);
    if (ask) this.#post({ kind: "ack", from: this.#nodeId, to: from, seq });
    if (lost > 0) {
      this.#report(
        "delivery",
        `the platform dropped ${lost} frames of node "${from}": this thread read too late`,
      );
      this.#context?.onGap();
    }
    for (let i = 0; i < entries.length; i += 2) {
      const channel = entries[i] as string;
      // Checked again for each message: a delivery may end the next subscription, or close the adapter.
      if (this.#channels.has(channel)) this.#context?.deliver(channel, entries[i + 1], from);
    }
  }

  /** Foreign data may come at any rate, so each kind is reported only once. */
  #ignore(kind: string): void {
    if (this.#reported.has(kind)) return;
    this.#reported.add(kind);
    this.#report("delivery", `ignored a ${kind}, and will not report further ones`, { foreign: 1 });
  }

  #report(
    stage: "publish" | "delivery",
    what: string,
    { cause, foreign }: { readonly cause?: unknown; readonly foreign?: number } = {},
  ): void {
    this.#context?.onError(this.#error(what, cause), { stage, ...foreign && { foreign } });
  }

  #error(what: string, cause?: unknown): Error {
    return new Error(`BroadcastChannel "${this.#prefix}": ${what}`, { cause });
  }
}

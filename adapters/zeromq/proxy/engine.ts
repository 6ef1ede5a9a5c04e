/**
 * The engine for a ZeroMQ proxy.
 *
 * @module
 */

import type { Engine, LinkEvents, Role, Verdict } from "../../kit/engine.ts";
import type { Failure } from "../../kit/failure.ts";
import type { OutgoingMessage, PublishResults } from "../../kit/outbox.ts";
import { judge } from "../errors.ts";
import { loadZeroMq } from "../library.ts";
import { preflight } from "../preflight.ts";
import { ProxySession, type ProxySessionOptions } from "./session.ts";

/** The engine of one adapter. */
export class ProxyEngine implements Engine<ProxySession> {
  readonly name = "zeromq";
  readonly title = "ZeroMQ";
  readonly batchSize = 10_000;
  readonly secrets: readonly string[];
  readonly maxMessageBytes: number;
  readonly #options: ProxySessionOptions;

  /**
   * @param options The options of a session.
   * @param maxMessageBytes The largest message.
   */
  constructor(options: ProxySessionOptions, maxMessageBytes: number) {
    this.#options = options;
    this.maxMessageBytes = maxMessageBytes;
    this.secrets = options.security.keys ? [options.security.keys.secretKey] : [];
  }

  get address(): string {
    return `the proxy ${this.#options.front}`;
  }

  nameOf(channel: string): string {
    return this.#options.topics.ofChannel(channel);
  }

  async connect(_role: Role, nodeId: string, events: LinkEvents, signal: AbortSignal): Promise<ProxySession> {
    const zmq = await loadZeroMq();
    const { front, back, security } = this.#options;
    for (const address of [front, back]) await preflight(address, security, signal);
    const session = new ProxySession(this.#options, zmq, nodeId, events);
    const abort = () => session.end();
    signal.addEventListener("abort", abort);
    try {
      signal.throwIfAborted();
      await session.join();
      return session;
    } catch (error) {
      session.end();
      throw error;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  destroy(session: ProxySession): Promise<void> {
    session.end();
    return Promise.resolve();
  }

  async subscribe(session: ProxySession, names: readonly string[]): Promise<void> {
    await session.subscribe(names);
  }

  async unsubscribe(session: ProxySession, names: readonly string[]): Promise<void> {
    await session.unsubscribe(names);
  }

  publish(session: ProxySession, messages: readonly OutgoingMessage[]): PublishResults {
    return session.publish(messages);
  }

  async probe(session: ProxySession): Promise<Verdict | undefined> {
    if (await session.lives() !== false) return undefined;
    const cause = new Error(`it was silent for ${this.#options.probeTimeoutMs} ms`);
    return { dead: "subscriber", cause };
  }

  async drain(session: ProxySession): Promise<void> {
    await session.part();
  }

  judge(cause: unknown): Failure {
    return judge(cause, `Cannot connect to ZeroMQ at ${this.address}`);
  }
}

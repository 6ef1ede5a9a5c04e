/**
 * The relay in the primary process as an engine.
 *
 * @module
 */

import type { Clock } from "../../contract/clock.ts";
import { answerOrSilence } from "../kit/deadline.ts";
import type { Engine, LinkEvents, Role, Verdict } from "../kit/engine.ts";
import type { Failure } from "../kit/failure.ts";
import { orAborted } from "../kit/or_aborted.ts";
import type { OutgoingMessage, PublishResults } from "../kit/outbox.ts";
import type { IpcChannel } from "./channel.ts";
import { PipeGoneError, Session } from "./session.ts";

/** Options of {@linkcode NodeClusterEngine}. */
export interface NodeClusterEngineOptions {
  readonly channel: IpcChannel;
  /** The process at the other end. */
  readonly address: string;
  readonly prefix: string;
  readonly clock: Clock;
  readonly probeTimeoutMs: number;
  readonly maxMessageBytes: number;
  readonly maxPendingBytes: number;
}

/** The relay of one adapter. */
export class NodeClusterEngine implements Engine<Session> {
  readonly name = "node-cluster";
  readonly title = "node-cluster";
  readonly textOnly = true;
  readonly batchSize = 1_000;
  readonly secrets = [];
  readonly #options: NodeClusterEngineOptions;

  /** @param options The options. */
  constructor(options: NodeClusterEngineOptions) {
    this.#options = options;
  }

  get address(): string {
    return this.#options.address;
  }

  get maxMessageBytes(): number {
    return this.#options.maxMessageBytes;
  }

  /** Lone surrogates do not survive the pipe on every platform, so such names are written as JSON. */
  nameOf(channel: string): string {
    return channel.isWellFormed() ? `c${channel}` : `j${JSON.stringify(channel)}`;
  }

  async connect(_role: Role, nodeId: string, events: LinkEvents, signal: AbortSignal): Promise<Session> {
    const session = new Session({ ...this.#options, nodeId, events });
    try {
      await orAborted(session.begin(), signal);
      return session;
    } catch (error) {
      session.end();
      if (error !== signal.reason) throw error;
      throw new Error(
        "no relay answers: call relayNodeCluster() there, from the same version of this package",
      );
    }
  }

  destroy(session: Session): Promise<void> {
    session.end();
    return Promise.resolve();
  }

  async subscribe(session: Session, names: readonly string[]): Promise<void> {
    await session.subscribe(names);
  }

  unsubscribe(session: Session, names: readonly string[]): Promise<void> {
    session.unsubscribe(names);
    return Promise.resolve();
  }

  publish(session: Session, messages: readonly OutgoingMessage[]): PublishResults {
    return session.publish(messages);
  }

  async probe(session: Session): Promise<Verdict | undefined> {
    const { clock, probeTimeoutMs } = this.#options;
    const answer = session.ping().catch(() => {}); // the end of a session is reported elsewhere
    const outcome = await answerOrSilence(clock, probeTimeoutMs, answer, () => session.lastSign);
    if (outcome !== "silent") return undefined;
    return { dead: "subscriber", cause: new Error(`it has not answered for ${probeTimeoutMs} ms`) };
  }

  async drain(session: Session): Promise<void> {
    await session.ping();
  }

  async countListeners(session: Session, name: string): Promise<number> {
    return await session.count(name);
  }

  judge(cause: unknown): Failure {
    const why = cause instanceof Error ? cause.message : String(cause);
    const what = `Cannot connect to node-cluster at ${this.address}: ${why}`;
    if (!(cause instanceof PipeGoneError)) {
      return { kind: "unreachable", error: new Error(what, { cause }) };
    }
    return {
      kind: "final",
      error: new Error(`${what}, and cannot be opened again: end this process`, { cause }),
    };
  }
}

/**
 * Answers the requests of other nodes.
 *
 * @module
 */

import { type Clock, HubError, startOf, toWireError, writeJson } from "../../contract/mod.ts";
import type { Backplane } from "../backplane/backplane.ts";
import { nodeChannel } from "../backplane/channels.ts";
import { isOwn } from "../connection/own_errors.ts";
import { MAX_ANSWER_LENGTH, partLength, PARTS_UNDER_WAY } from "./answer_parts.ts";

/**
 * Answers a request of a node. The signal is aborted when the asker gives up or leaves. Errors are sent to the asker.
 */
export type Answerer = (input: unknown, from: string, signal: AbortSignal) => unknown;

/** How a request is answered. */
export interface AnswererOptions {
  /**
   * Whether the asker hands a `HubError` to its own caller, so that this node need not report it.
   *
   * @default {false}
   */
  readonly relayed?: boolean;
}

/** The options of {@linkcode NodeAnswers}. */
export interface NodeAnswersOptions {
  /** The backplane. */
  readonly backplane: Backplane;
  /** The clock for timeouts. */
  readonly clock: Clock;
  /** Called with the error when this node could not answer. */
  onError(error: unknown, name: string): void;
}

/** The prefix of the application's requests, so that their names differ from the names of the hub's requests. */
export const APP_PREFIX = "app:";

/** The name of a request for errors, without the prefix. */
export function nameOf(method: string): string {
  return method.startsWith(APP_PREFIX) ? method.slice(APP_PREFIX.length) : method;
}

/** How long to wait for the asker's confirmation of a part, in milliseconds. After it, the asker counts as gone. */
const PART_TIMEOUT_MS = 30_000;
/** The length limit of an error's message to another node, in UTF-16 units. */
const MAX_MESSAGE_LENGTH = 512;

interface Answering {
  readonly aborter: AbortController;
  /** How many parts the asker has confirmed. */
  taken: number;
  /** Called when the asker confirms a part, or gives up. */
  wake(): void;
}

/** The requests of other nodes that this node is answering. */
export class NodeAnswers {
  readonly #options: NodeAnswersOptions;
  readonly #answerers = new Map<string, { readonly answerer: Answerer; readonly relayed: boolean }>();
  /** By asker, then by the asker's number. */
  readonly #answering = new Map<string, Map<number, Answering>>();

  /** @param options Its options. */
  constructor(options: NodeAnswersOptions) {
    this.#options = options;
    const { backplane } = options;
    backplane.on("ask", ([, id, method, input], from) => void this.#answer(id, method, input, from));
    backplane.on("more", ([, id, taken], from) => {
      const answering = this.#answering.get(from)?.get(id);
      if (!answering || taken <= answering.taken) return;
      answering.taken = taken;
      answering.wake();
    });
    backplane.on("cancel", ([, id], from) => {
      const answering = this.#answering.get(from)?.get(id);
      if (answering) end(answering, new HubError("DISCONNECTED", `Node ${from} gave up`));
    });
  }

  /** How many requests this node is answering. */
  get size(): number {
    let count = 0;
    for (const { size } of this.#answering.values()) count += size;
    return count;
  }

  /**
   * Sets the function that answers a kind of request.
   *
   * @returns A function that removes it.
   */
  on(method: string, answerer: Answerer, { relayed = false }: AnswererOptions = {}): () => void {
    const entry = { answerer, relayed };
    this.#answerers.set(method, entry);
    return () => {
      if (this.#answerers.get(method) === entry) this.#answerers.delete(method);
    };
  }

  /** A node has left: stops answering its requests. */
  left(nodeId: string): void {
    const gone = new HubError("DISCONNECTED", `Node ${nodeId} is gone`);
    for (const answering of [...this.#answering.get(nodeId)?.values() ?? []]) end(answering, gone);
  }

  /** Stops answering all requests. */
  close(): void {
    const closed = new HubError("UNAVAILABLE", "The hub is closed");
    for (const answering of [...this.#answering.values()].flatMap((asked) => [...asked.values()])) {
      end(answering, closed);
    }
  }

  async #answer(id: number, method: string, input: unknown, from: string): Promise<void> {
    const inbox = nodeChannel(from);
    const answering = this.#begin(id, from);
    const { signal } = answering.aborter;
    const entry = this.#answerers.get(method);
    try {
      if (!entry) {
        throw new HubError(
          "NOT_FOUND",
          `Cannot answer "${nameOf(method)}": no function of this node does. Give one to hub.onServer`,
        );
      }
      const { promise: givenUp, reject } = Promise.withResolvers<never>();
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      const answer = await Promise.race([entry.answerer(input, from, signal), givenUp]);
      const text = this.#send(inbox, id, answer);
      if (text !== undefined) await this.#sendParts(inbox, id, text, answering);
    } catch (error) {
      if (signal.aborted) return; // the asker does not wait for it
      if (entry && !(entry.relayed && error instanceof HubError)) {
        this.#options.onError(error, nameOf(method));
      }
      this.#fail(inbox, id, method, error);
    } finally {
      this.#end(id, from, answering);
    }
  }

  /** Sends an answer. Returns its JSON if it is too large for one message. */
  #send(inbox: string, id: number, answer: unknown): string | undefined {
    try {
      this.#options.backplane.publish(inbox, ["ans", id, answer]);
      return undefined;
    } catch (error) {
      if (!(error instanceof HubError && error.code === "TOO_LARGE")) throw error;
      const text = writeJson(answer);
      if (text.length <= MAX_ANSWER_LENGTH && partLength(this.#options.backplane.maxMessageBytes) > 1) {
        return text;
      }
      throw new HubError(
        "TOO_LARGE",
        `Cannot answer with ${text.length} characters: the limit between nodes is ${MAX_ANSWER_LENGTH}`,
        { cause: error },
      );
    }
  }

  /** Sends an answer in parts. It waits while too many parts are not confirmed. */
  async #sendParts(inbox: string, id: number, text: string, answering: Answering): Promise<void> {
    const { backplane, clock } = this.#options;
    const length = partLength(backplane.maxMessageBytes);
    for (let index = 0, at = 0; at < text.length; index++) {
      while (index - answering.taken >= PARTS_UNDER_WAY) {
        const { promise, resolve } = Promise.withResolvers<void>();
        answering.wake = resolve;
        const stop = clock.after(
          PART_TIMEOUT_MS,
          () =>
            end(
              answering,
              new HubError("TIMEOUT", "The node that asked takes no further parts of the answer"),
            ),
          { background: true },
        );
        await promise;
        stop();
        answering.aborter.signal.throwIfAborted();
      }
      const part = startOf(text.slice(at, at + length + 1), length);
      at += part.length;
      backplane.publish(inbox, ["part", id, index, text.length, part]);
    }
  }

  /** Sends the error to the asker, without its data: the data may be the part that cannot be sent. */
  #fail(inbox: string, id: number, method: string, error: unknown): void {
    const { code, message } = toWireError(error);
    try {
      const wire = { code, message: startOf(message, MAX_MESSAGE_LENGTH) };
      this.#options.backplane.publish(inbox, isOwn(error) ? ["fail", id, wire, true] : ["fail", id, wire]);
    } catch (failure) {
      this.#options.onError(failure, nameOf(method));
    }
  }

  /** Notes a request that is being answered, so that the asker can cancel it. */
  #begin(id: number, from: string): Answering {
    const answering: Answering = { aborter: new AbortController(), taken: 0, wake() {} };
    const asked = this.#answering.get(from) ?? new Map<number, Answering>();
    this.#answering.set(from, asked.set(id, answering));
    return answering;
  }

  #end(id: number, from: string, answering: Answering): void {
    const asked = this.#answering.get(from);
    if (asked?.get(id) !== answering) return;
    asked.delete(id);
    if (asked.size === 0) this.#answering.delete(from);
  }
}

function end(answering: Answering, reason: HubError): void {
  answering.aborter.abort(reason);
  answering.wake();
}

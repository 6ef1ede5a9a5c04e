/**
 * Which node does a request that clients send to several: the one whose claim a store that all share keeps first. Its
 * answer follows the claim, where the others read it.
 *
 * @module
 */

import type { HistoryStore } from "../../../adapters/history_store.ts";
import { type Clock, HubError, isHubError, type Position } from "../../../contract/mod.ts";
import { withDeadline } from "../../backplane/deadline.ts";
import { appendInTime } from "../../topics/append.ts";
import type { HubErrorInfo } from "../../api/options.ts";
import { keepable, tooLarge } from "./outcome.ts";
import { type Kept, readKept, writeAnswer, writeClaim } from "./kept.ts";

/** Of each request a claim and an answer are kept, and a claim that came when the first was over and its answer was not. */
const SIZE = 3;
/** The first pause between two looks for another node's answer, in milliseconds; it doubles each time. */
const FIRST_PAUSE_MS = 25;
/** The longest, in milliseconds. */
const MAX_PAUSE_MS = 1_000;
/** How often in a row the other node, or the store, may be away before it counts as gone. */
const MAX_MISSES = 3;
/** How often an answer is given to a store that does not take it. */
const MAX_ATTEMPTS = 6;

/** What {@linkcode Claims} needs. */
export interface ClaimsOptions {
  /** What all nodes share. */
  readonly store: HistoryStore;
  /** This node. */
  readonly nodeId: string;
  /** Where time comes from. */
  readonly clock: Clock;
  /** How long the store may take, in milliseconds. */
  readonly timeoutMs: number;
  /** How long an answer is kept, in milliseconds. */
  readonly ttlMs: number;
  /** Whether another node is there. */
  isThere(nodeId: string): boolean;
  /** Hears of answers that could not be kept. */
  onError(error: unknown, info: HubErrorInfo): void;
}

/** A request that is to be done by one node. */
export interface Claimed {
  /** Where its claim and its answer are kept. */
  readonly channel: string;
  /** What it asks for, for errors. */
  readonly name: string;
  /** What must be the same of all that are one request. */
  readonly print: string;
  /** Whether anybody waits for it. */
  isWanted(): boolean;
}

/** Claims of this node, and the answers of others. */
export class Claims {
  readonly #options: ClaimsOptions;
  readonly #answering = new Set<Promise<void>>();
  readonly #closed = Promise.withResolvers<void>();
  #isClosed = false;

  /** @param options What it needs. */
  constructor(options: ClaimsOptions) {
    this.#options = options;
  }

  /**
   * Claims a request.
   *
   * @returns Nothing when this node is to do it; else the answer of the node that does.
   * @throws {HubError} `UNAVAILABLE` when the store does not say who does it: this node does not. `BAD_REQUEST` when it
   * was claimed for another input.
   */
  async claim(claimed: Claimed): Promise<{ readonly answer: Promise<string> } | undefined> {
    const { nodeId } = this.#options;
    const { channel, name, print } = claimed;
    let kept: Kept;
    try {
      await this.#append(claimed, writeClaim(nodeId, print), { what: "claim", key: "claim" }, true);
      kept = await this.#read(channel);
    } catch (cause) {
      if (cause instanceof SyntaxError) this.#options.onError(cause, { stage: "handler", name });
      throw unavailable(name, this.#options.store.name, cause);
    }
    const { claim, answer } = kept;
    const first = answer ?? claim;
    if (!first) throw unavailable(name, this.#options.store.name);
    if (first.print !== print) throw otherInput(name);
    if (!answer) return claim!.by === nodeId ? undefined : { answer: this.#answerOf(claimed, claim!.by) };
    // The claim that it answers was over: nobody is to wait for this node when the answer is.
    if (claim?.by === nodeId && claim.offset > answer.offset) this.answer(claimed, answer.text);
    return { answer: Promise.resolve(answer.text) };
  }

  /** Keeps the answer of a request that this node has done. */
  answer(claimed: Claimed, text: string): void {
    const answering = this.#answer(claimed, text).finally(() => this.#answering.delete(answering));
    this.#answering.add(answering);
  }

  /** Waits for no answers of others any more; resolves when those of this node are kept, or given up. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#closed.resolve();
    await Promise.all(this.#answering);
  }

  async #answer(claimed: Claimed, given: string): Promise<void> {
    let text = keepable(claimed.name, given);
    const key = `answer ${crypto.randomUUID()}`;
    for (let attempts = 1;; attempts++) {
      try {
        await this.#append(claimed, writeAnswer(claimed.print, text), { what: "answer", key });
        return;
      } catch (error) {
        const instead = tooLarge(claimed.name);
        if (isHubError(error) && error.code === "TOO_LARGE" && text !== instead) text = instead;
        else if (attempts < MAX_ATTEMPTS && !this.#isClosed) await this.#pause(attempts);
        else return this.#options.onError(error, { stage: "handler", name: claimed.name });
      }
    }
  }

  /** Waits until the node that has claimed a request has answered it. */
  async #answerOf(claimed: Claimed, by: string): Promise<string> {
    const { clock, ttlMs, isThere } = this.#options;
    const { channel, name } = claimed;
    const until = clock.now() + ttlMs;
    let misses = 0;
    for (let looks = 1; misses < MAX_MISSES && clock.now() < until; looks++) {
      await this.#pause(looks);
      if (this.#isClosed || !claimed.isWanted()) break;
      try {
        const { answer } = await this.#read(channel);
        if (answer) return answer.text;
        misses = isThere(by) ? 0 : misses + 1;
      } catch {
        misses++;
      }
    }
    throw new HubError(
      "UNCERTAIN",
      `Cannot tell whether "${name}" was done: the node that began it has not answered. It was not done again`,
    );
  }

  async #append(
    { channel, name }: Claimed,
    data: string,
    { what, key: idempotencyKey }: { readonly what: string; readonly key: string },
    mayBeUncertain = false,
  ): Promise<Position | undefined> {
    const { store, clock, timeoutMs, ttlMs } = this.#options;
    try {
      const wait = { clock, timeoutMs, what: `the ${what} of "${name}" in ${store.name}` };
      return await appendInTime(
        wait,
        (signal) => store.append(channel, data, { size: SIZE, ttlMs, idempotencyKey, signal }),
      );
    } catch (error) {
      // Then what is read tells.
      if (mayBeUncertain && isHubError(error) && error.code === "UNCERTAIN") return undefined;
      throw error;
    }
  }

  /** @throws {SyntaxError} When what is kept is of no hub. */
  async #read(channel: string): Promise<Kept> {
    const { store, clock, timeoutMs } = this.#options;
    const what = `Cannot read which requests were done in ${store.name}`;
    const page = await withDeadline(clock, timeoutMs, what, (signal) => store.read(channel, { signal }));
    return readKept(page.records);
  }

  /** A pause that doubles with each attempt, and ends when the hub closes. */
  async #pause(attempt: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const ms = Math.min(FIRST_PAUSE_MS * 2 ** (attempt - 1), MAX_PAUSE_MS);
    const stop = this.#options.clock.after(ms, resolve);
    await Promise.race([promise, this.#closed.promise]);
    stop();
  }
}

/** One key, two requests. */
export function otherInput(name: string): HubError {
  return new HubError("BAD_REQUEST", `Cannot do "${name}": its id is that of a request with another input`);
}

function unavailable(name: string, store: string, cause?: unknown): HubError {
  const message =
    `Cannot do "${name}" now: ${store} does not say whether it was done already. It was not done`;
  return new HubError("UNAVAILABLE", message, { cause });
}

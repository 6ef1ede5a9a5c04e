/**
 * If a client sends one request to several nodes, decides which node does it: the node with the first claim in the
 * shared store. This node also writes its answer to the store, and the other nodes read it there.
 *
 * @module
 */

import type { HistoryStore } from "../../../adapters/history_store.ts";
import { type Clock, HubError, isHubError, type Position } from "../../../contract/mod.ts";
import { withDeadline } from "../../backplane/deadline.ts";
import { appendInTime } from "../../topics/append.ts";
import { StoreFailures } from "../../topics/store_failures.ts";
import type { HubErrorInfo } from "../../api/options.ts";
import { keepable, tooLarge } from "./outcome.ts";
import { type Kept, readKept, writeAnswer, writeClaim, writeRenewal } from "./kept.ts";

/**
 * How many entries the store keeps for one request: a claim or its renewal, an answer, and a claim that came too
 * late.
 */
const SIZE = 3;
/** The first pause between two reads for another node's answer, in milliseconds; it doubles each time. */
const FIRST_PAUSE_MS = 25;
/** The longest such pause, in milliseconds. */
const MAX_PAUSE_MS = 1_000;
/** How often in a row the other node or the store may be away before this node gives up. */
const MAX_MISSES = 3;
/** A claim's lifetime has this many parts. While a node does the request, it renews its claim after each part. */
const RENEWALS = 3;
/** How often a node claims a request whose earlier claims have expired, but whose keys the store still remembers. */
const MAX_CLAIMS = 5;
/** How often a node writes an answer when the store does not take it. */
const MAX_ATTEMPTS = 6;

/** Options of {@linkcode Claims}. */
export interface ClaimsOptions {
  /** The store that all nodes share. */
  readonly store: HistoryStore;
  /** The id of this node. */
  readonly nodeId: string;
  /** The clock. */
  readonly clock: Clock;
  /** How long the store may take to answer, in milliseconds. */
  readonly timeoutMs: number;
  /** How long the store keeps an answer, in milliseconds. */
  readonly ttlMs: number;
  /** Whether another node is alive. */
  isThere(nodeId: string): boolean;
  /** Reports answers that could not be stored. */
  onError(error: unknown, info: HubErrorInfo): void;
}

/** A request that only one node should do. */
export interface Claimed {
  /** The channel of its claim and its answer in the store. */
  readonly channel: string;
  /** The name of the request, for errors. */
  readonly name: string;
  /** A fingerprint of the input: it must be the same each time the request is sent. */
  readonly print: string;
  /** Whether a client still waits for it. */
  isWanted(): boolean;
}

/** The claims of this node, and the answers of other nodes. */
export class Claims {
  readonly #options: ClaimsOptions;
  readonly #answering = new Set<Promise<void>>();
  readonly #failures: StoreFailures;
  readonly #closed = Promise.withResolvers<void>();
  #isClosed = false;

  /** @param options Its options. */
  constructor(options: ClaimsOptions) {
    this.#options = options;
    const report = (error: unknown, name: string) => options.onError(error, { stage: "handler", name });
    this.#failures = new StoreFailures(options.clock, report);
  }

  /**
   * Claims a request.
   *
   * @returns `undefined` when this node must do the request; otherwise the answer of the node that does it.
   * @throws {HubError} `UNAVAILABLE` when the store does not tell which node does the request. Then this node does not
   * do it. `BAD_REQUEST` when the id was claimed for another input.
   */
  async claim(claimed: Claimed): Promise<{ readonly answer: Promise<string> } | undefined> {
    const { nodeId } = this.#options;
    const { name, print } = claimed;
    let kept: Kept;
    try {
      kept = await this.#failures.watch(name, () => this.#keepClaim(claimed));
    } catch (cause) {
      throw unavailable(name, this.#options.store.name, cause);
    }
    const { claim, last, answer } = kept;
    const first = answer ?? claim;
    if (!first) throw unavailable(name, this.#options.store.name);
    if (first.print !== print) throw otherInput(name);
    if (!answer) return claim!.by === nodeId ? undefined : { answer: this.#answerOf(claimed, claim!.by) };
    // This answer may expire before this node's later claim. Other nodes would then wait, so store the answer again.
    if (last?.by === nodeId && last.offset > answer.offset) this.answer(claimed, answer.text);
    return { answer: Promise.resolve(answer.text) };
  }

  /**
   * Renews the claim of this node while it does the request, because a handler may run longer than a claim lasts.
   *
   * @returns Stops renewing.
   */
  hold(claimed: Claimed): () => void {
    const { clock, nodeId, ttlMs, store, onError } = this.#options;
    const { name, print } = claimed;
    let lasts = clock.now() + ttlMs;
    let ended = false;
    let stop = () => {};
    const renewIn = (ms: number) => void (stop = clock.after(ms, () => void renew(), { background: true }));
    const renew = async () => {
      if (this.#isClosed) return;
      const from = clock.now();
      try {
        await this.#append(claimed, writeRenewal(nodeId, print), { what: "claim" });
        lasts = from + ttlMs;
        if (!ended) renewIn(ttlMs / RENEWALS);
      } catch (cause) {
        if (ended) return;
        if (clock.now() < lasts) return renewIn(Math.min(MAX_PAUSE_MS, ttlMs / RENEWALS));
        const what = `Cannot keep the claim on "${name}" in ${store.name}, and it is not done yet`;
        const error = new HubError("UNCERTAIN", `${what}: another node may do it a second time`, { cause });
        onError(error, { stage: "handler", name });
      }
    };
    renewIn(ttlMs / RENEWALS);
    return () => {
      ended = true;
      stop();
    };
  }

  /** Stores the answer to a request that this node has done. */
  answer(claimed: Claimed, text: string): void {
    const answering = this.#answer(claimed, text).finally(() => this.#answering.delete(answering));
    this.#answering.add(answering);
  }

  /** Stops waiting for answers of other nodes. Resolves when the answers of this node are stored or given up. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#failures.close();
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

  /** Stores a claim, unless there is one already, and reads what the store keeps. */
  async #keepClaim(claimed: Claimed): Promise<Kept> {
    const data = writeClaim(this.#options.nodeId, claimed.print);
    let key = "claim";
    for (let attempts = 1;; attempts++) {
      const at = await this.#append(claimed, data, { what: "claim", key }, true);
      const kept = await this.#read(claimed.channel);
      if (kept.claim || kept.answer || !at || attempts === MAX_CLAIMS) return kept;
      // The store still remembers the key of an expired claim: all nodes continue with the same new key.
      key = `claim after ${at}`;
    }
  }

  /** Waits until the node that claimed a request has answered it. */
  async #answerOf(claimed: Claimed, by: string): Promise<string> {
    const { clock, ttlMs, isThere } = this.#options;
    const { channel, name } = claimed;
    let until = clock.now() + ttlMs;
    let misses = 0;
    for (let looks = 1; misses < MAX_MISSES && clock.now() < until; looks++) {
      await this.#pause(looks);
      if (this.#isClosed || !claimed.isWanted()) break;
      try {
        const { claim, answer } = await this.#read(channel);
        if (answer) return answer.text;
        if (claim) until = clock.now() + ttlMs;
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
    { what, key: idempotencyKey }: { readonly what: string; readonly key?: string },
    mayBeUncertain = false,
  ): Promise<Position | undefined> {
    const { store, clock, timeoutMs, ttlMs } = this.#options;
    try {
      const wait = { clock, timeoutMs, what: `the ${what} of "${name}" in ${store.name}` };
      return await appendInTime(
        wait,
        (signal) => store.append(channel, data, { size: SIZE, ttlMs, idempotencyKey, brief: true, signal }),
      );
    } catch (error) {
      // Then the next read shows whether it was kept.
      if (mayBeUncertain && isHubError(error) && error.code === "UNCERTAIN") return undefined;
      throw error;
    }
  }

  /** @throws {SyntaxError} When the store contains an entry that does not come from a hub. */
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

/** The same id came with two different inputs. */
export function otherInput(name: string): HubError {
  return new HubError("BAD_REQUEST", `Cannot do "${name}": its id was used before, with another input`);
}

function unavailable(name: string, store: string, cause?: unknown): HubError {
  const message =
    `Cannot do "${name}" now: ${store} does not tell whether it was done already. It was not done now`;
  return new HubError("UNAVAILABLE", message, { cause });
}

/**
 * What this node answers to others that missed some of its changes: what they missed, or the whole state in pages.
 * Many may ask at once, because they all missed the same: they share what is written.
 *
 * @module
 */

import type { Clock } from "../../../contract/mod.ts";
import type { OwnState } from "./own_state.ts";
import { type OpWriter, writeStretches } from "./streams.ts";
import { PAGES_PER_QUESTION } from "./transfer.ts";

/** How long pages are kept after they were asked for, in milliseconds. */
const PAGES_KEPT_MS = 10_000;
/** From so many askers on that need the same, all nodes are sent it in one message, if they are half of them. */
const MANY = 3;

/** How many changes are looked at for one answer, which hardly holds more. */
const MAX_OPS = 16_384;

/** What a node asks for. */
export interface Question {
  /** The version that it has. */
  readonly after: number;
  /** The version of the whole state that it has pages of; or that which it had before, so that it is told nothing older. */
  readonly version: number;
  /** The first page that it lacks. */
  readonly index: number;
}

/** What {@linkcode Answers} needs. */
export interface AnswersOptions {
  /** The entries of this node. */
  readonly own: OwnState;
  /** Where time comes from. */
  readonly clock: Pick<Clock, "after" | "endOfTurn">;
  /** How large a message may be, in bytes. */
  maxBytes(): number;
  /** How many other nodes there are. */
  others(): number;
  /** Writes changes. */
  readonly writer: OpWriter;
  /**
   * Sends a message.
   *
   * @param to The node; `null` for all.
   */
  send(to: string | null, text: string): void;
}

interface Pages {
  readonly version: number;
  readonly texts: readonly string[];
}

/** Answers what other nodes ask. */
export class Answers {
  readonly #options: AnswersOptions;
  /** Who has asked in this turn, and what. */
  readonly #asked = new Map<string, Question>();
  #pages: Pages | undefined;
  #stop: (() => void) | undefined;
  #isWanted = false;
  #closed = false;

  /** @param options What it needs. */
  constructor(options: AnswersOptions) {
    this.#options = options;
  }

  /** Answers a node, at the end of the turn. */
  add(node: string, question: Question): void {
    if (this.#closed) return;
    if (this.#asked.size === 0) this.#options.clock.endOfTurn(() => this.#answer());
    this.#asked.set(node, question);
  }

  /** Answers nobody any more. */
  close(): void {
    this.#closed = true;
    this.#stop?.();
    this.#pages = undefined;
    this.#asked.clear();
  }

  #answer(): void {
    const alike = new Map<string, { readonly question: Question; readonly nodes: string[] }>();
    for (const [node, question] of this.#asked) {
      const key = `${question.after} ${question.version} ${question.index}`;
      const asked = alike.get(key);
      if (asked) asked.nodes.push(node);
      else alike.set(key, { question, nodes: [node] });
    }
    this.#asked.clear();
    for (const { question, nodes } of alike.values()) {
      const texts = this.#changes(question.after) ?? this.#pagesOf(question);
      const isForAll = nodes.length >= MANY && nodes.length * 2 >= this.#options.others();
      for (const to of isForAll ? [null] : nodes) {
        for (const text of texts) this.#options.send(to, text);
      }
    }
  }

  /** What has changed since; `undefined` where that is not known any more, or more than there is. */
  #changes(after: number): readonly string[] | undefined {
    const { own, maxBytes, writer } = this.#options;
    const ops = own.since(after, MAX_OPS);
    if (!ops) return undefined;
    const texts: string[] = [];
    let reached = after;
    for (const { version, text } of writeStretches(ops, maxBytes(), writer)) {
      texts.push(delta(reached, version, text));
      reached = version;
      if (texts.length === PAGES_PER_QUESTION) break;
    }
    return [head(own.version, reached), ...texts];
  }

  #pagesOf({ version, index }: Question): readonly string[] {
    const pages = this.#current(version);
    const start = version === pages.version ? index : 0;
    return [
      head(this.#options.own.version, pages.version),
      ...pages.texts.slice(start, start + PAGES_PER_QUESTION),
    ];
  }

  /**
   * The pages that are there are good as long as what has changed since is remembered, for whoever has some of them; for
   * others as long as that is little.
   */
  #current(begun: number): Pages {
    const { own } = this.#options;
    this.#isWanted = true;
    this.#stop ??= this.#forgetLater();
    const version = this.#pages?.version;
    const isGood = version !== undefined && own.remembers(version) &&
      (version === begun || (version > begun && own.resembles(version)));
    return isGood ? this.#pages! : this.#pages = this.#build();
  }

  #build(): Pages {
    const { own, maxBytes, writer } = this.#options;
    const { version } = own;
    const stretches = [...writeStretches(own.all(), maxBytes(), writer)].map(({ text }) => text);
    if (stretches.length === 0) stretches.push("0");
    const texts = stretches.map((text, i) => `["pp",${version},${i},${stretches.length},${text}]`);
    return { version, texts };
  }

  #forgetLater(): () => void {
    return this.#options.clock.after(PAGES_KEPT_MS, () => {
      this.#stop = this.#isWanted ? this.#forgetLater() : undefined;
      if (!this.#isWanted) this.#pages = undefined;
      this.#isWanted = false;
    }, { background: true });
  }
}

/** Writes the beginning of an answer: the version that there is, and that which the answer leads to. */
const head = (version: number, reaches: number): string => `["pa",${version},${reaches}]`;

/** Writes a message with changes. */
export const delta = (from: number, to: number, text: string): string =>
  `["pd",${from},${to - from},${text}]`;

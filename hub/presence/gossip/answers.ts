/**
 * Answers other nodes that missed changes of this node. They get the missed changes, or the whole state in pages. After
 * an outage, many nodes ask for the same at once. They share the written text.
 *
 * @module
 */

import type { Clock } from "../../../contract/mod.ts";
import type { OwnState } from "./own_state.ts";
import { type OpWriter, writeStretches } from "./streams.ts";
import { PAGES_PER_QUESTION } from "./transfer.ts";

/** How long pages are kept after the last request, in milliseconds. */
const PAGES_KEPT_MS = 10_000;
/** If at least this many nodes, and at least half of all, ask for the same, one message goes to all nodes. */
const MANY = 3;

/** How many changes to look at for one answer. An answer hardly holds more. */
const MAX_OPS = 16_384;

/** A request of a node. */
export interface Question {
  /** The version that the node has. */
  readonly after: number;
  /** The version of the whole state of which the node has pages. Else the lowest version that it accepts. */
  readonly version: number;
  /** The first page that the node lacks. */
  readonly index: number;
}

/** The options of {@linkcode Answers}. */
export interface AnswersOptions {
  /** The entries of this node. */
  readonly own: OwnState;
  /** The clock. */
  readonly clock: Pick<Clock, "after" | "endOfTurn">;
  /** The size limit of a message, in bytes. */
  maxBytes(): number;
  /** The number of other nodes. */
  others(): number;
  /** Writes changes. */
  readonly writer: OpWriter;
  /**
   * Sends a message.
   *
   * @param to The node; `null` for all nodes.
   */
  send(to: string | null, text: string): void;
}

interface Pages {
  readonly version: number;
  readonly texts: readonly string[];
}

/** Answers the requests of other nodes. */
export class Answers {
  readonly #options: AnswersOptions;
  /** The requests of this turn, by node. */
  readonly #asked = new Map<string, Question>();
  #pages: Pages | undefined;
  #stop: (() => void) | undefined;
  #isWanted = false;
  #closed = false;

  /** @param options Its options. */
  constructor(options: AnswersOptions) {
    this.#options = options;
  }

  /** Answers a node, at the end of the turn. */
  add(node: string, question: Question): void {
    if (this.#closed) return;
    if (this.#asked.size === 0) this.#options.clock.endOfTurn(() => this.#answer());
    this.#asked.set(node, question);
  }

  /** Stops answering. */
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

  /** The messages with the changes since a version; `undefined` when the whole state must be sent. */
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
   * The pages of the whole state. Kept pages are used while the changes after them are remembered. This holds for a
   * node that has some of these pages. For another node, the changes must also be few.
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

/** Writes the start of an answer: the present version, and the version that the answer leads to. */
const head = (version: number, reaches: number): string => `["pa",${version},${reaches}]`;

/** Writes a message with changes. */
export const delta = (from: number, to: number, text: string): string =>
  `["pd",${from},${to - from},${text}]`;

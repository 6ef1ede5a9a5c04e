/**
 * Torture: nodes, clients and a store, all of which are cut off, frozen, killed and started again while messages are published,
 * and at the end an oracle.
 *
 * @module
 */

import { setTimeout as delay } from "node:timers/promises";
import type { HubStats } from "@trunkline/hub";
import { TorturedNode } from "./cluster.ts";
import { type TopicName, topicNames } from "./contract.ts";
import { HeardBook } from "./heard_book.ts";
import { judge, type Verdict } from "./oracle.ts";
import { Part, type RuntimePath } from "./part.ts";
import { Publisher } from "./publisher.ts";
import { describeFault, drawSchedule, type Extent, type Fault, type Schedule } from "./schedule.ts";
import { STORES, type TorturedStore } from "./stores.ts";
import { Tally } from "./tally.ts";
import type {
  Audit,
  Jump,
  LoadCommand,
  LoadCounts,
  LoadPlace,
  LoadWord,
  NodeWord,
  StoreName,
} from "./words.ts";

/** The options of a torture run. */
export interface TortureOptions extends Extent {
  readonly store: StoreName;
  /** The runtimes of nodes and processes of clients, in turn. */
  readonly runtimes: readonly RuntimePath[];
  /** Called with lines for the terminal. */
  say(line: string): void;
}

/** The result. */
export interface Outcome extends Verdict {
  readonly counts: Readonly<Record<string, number>>;
  /** Why publishes failed, and what nodes and clients reported. */
  readonly failures: Readonly<Record<string, number>>;
  readonly nodeErrors: Readonly<Record<string, number>>;
  readonly clientErrors: Readonly<Record<string, number>>;
}

const LOAD = new URL("./load.ts", import.meta.url);
/** How long what must come true by itself may take, when there are no faults any more. */
const PATIENCE_MS = 90_000;
const LOOK_MS = 100;
const AGAIN_MS = 10_000;
const PROGRESS_MS = 10_000;

/** A run. */
class Torture {
  readonly #options: TortureOptions;
  readonly #topics: readonly TopicName[];
  readonly #violations: string[] = [];
  readonly #nodes: TorturedNode[] = [];
  readonly #loads: Part<LoadCommand, LoadWord>[] = [];
  readonly #ready = new Set<number>();
  readonly #back = new Set<number>();
  readonly #missing = new Map<number, readonly string[]>();
  readonly #book = new HeardBook();
  readonly #jumps: Jump[] = [];
  readonly #audits: Audit[] = [];
  readonly #stats = new Map<number, HubStats & { readonly publishing: number }>();
  readonly #loadCounts: LoadCounts[] = [];
  readonly #nodeErrors = new Tally();
  readonly #clientErrors = new Tally();
  readonly #done = new Tally();
  readonly #publisher: Publisher;

  constructor(options: TortureOptions) {
    this.#options = options;
    this.#topics = topicNames(options.topics);
    this.#publisher = new Publisher(
      options.seed,
      this.#topics,
      () => this.#nodes.flatMap(({ outlet }) => outlet ?? []),
      (what) => this.#violate(what),
    );
  }

  async run(): Promise<Outcome> {
    const { store: name, say } = this.#options;
    await using store = await STORES[name]();
    const schedule = drawSchedule(this.#options, store.servers.length);
    for (const fault of schedule.faults) say(describeFault(fault));
    say(`and ${schedule.drops.length} losses of the links of clients, of up to 2 s`);
    try {
      await this.#start(store, schedule);
      await this.#torment(store, schedule);
      await this.#settle(store);
      await this.#end();
    } finally {
      this.#publisher.stop();
      await Promise.all([...this.#nodes, ...this.#loads].map((part) => part.kill()));
    }
    return this.#judge();
  }

  async #start(store: TorturedStore, { topics }: Schedule): Promise<void> {
    const { nodes, clients, runtimes, store: name } = this.#options;
    const prefix = `torture-${crypto.randomUUID()}`; // servers for tests may have the data of those before them
    for (let i = 0; i < nodes; i++) {
      const place = { store: name, url: store.url, prefix, port: 0 };
      this.#nodes.push(
        new TorturedNode(i, runtimes[i % runtimes.length]!, place, {
          onWord: (index, life, word) => this.#onNode(index, life, word),
          onGone: (life) => this.#publisher.gone(life),
          onViolation: (what) => this.#violate(what),
        }),
      );
    }
    await this.#wait("the nodes to serve", () => this.#nodes.every(({ outlet }) => outlet));
    const ports = this.#nodes.map(({ port }) => port);
    for (const [i, runtime] of runtimes.entries()) {
      const first = Math.floor(clients * i / runtimes.length);
      const end = Math.floor(clients * (i + 1) / runtimes.length);
      const place: LoadPlace = { first, clients: end - first, ports, topics: topics.slice(first, end) };
      this.#loads.push(
        new Part<LoadCommand, LoadWord>(runtime, LOAD, place, (word) => this.#onLoad(i, word)),
      );
    }
    await this.#wait("the clients to be live", () => this.#ready.size === this.#loads.length);
  }

  async #torment(store: TorturedStore, { faults, drops }: Schedule): Promise<void> {
    const { rate, seconds, clients, say } = this.#options;
    this.#publisher.start(rate);
    const started = performance.now();
    const now = () => performance.now() - started;
    let first = 0;
    for (const [i, load] of this.#loads.entries()) {
      const end = Math.floor(clients * (i + 1) / this.#loads.length);
      load.tell({ drops: drops.filter(({ client }) => client >= first && client < end) });
      first = end;
    }
    const progress = setInterval(() => {
      say(
        `${
          (now() / 1_000).toFixed(0)
        } s: ${this.#publisher.all.size} published, ${this.#publisher.unsettled} not settled`,
      );
    }, PROGRESS_MS);
    try {
      const tracks = (["node", "server"] as const).map(async (track) => {
        for (const fault of faults.filter(({ whom }) => whom === track)) {
          await delay(Math.max(0, fault.at - now()));
          await this.#inflict(fault, store);
        }
      });
      await Promise.all(tracks);
      await delay(Math.max(0, seconds * 1_000 - now()));
    } finally {
      clearInterval(progress);
    }
  }

  async #inflict({ whom, index, what, forMs }: Fault, store: TorturedStore): Promise<void> {
    this.#done.add(`${what} ${whom}`);
    this.#options.say(`${new Date().toISOString()} ${what} ${whom} ${index} for ${forMs} ms`);
    if (whom === "server") {
      const server = store.servers[index]!;
      if (what === "freeze") {
        server.pause();
        await delay(forMs);
        return server.resume();
      }
      await (what === "kill" ? server.kill() : server.end());
      await delay(forMs);
      return await server.start();
    }
    const node = this.#nodes[index]!;
    if (what === "freeze") {
      node.signal("SIGSTOP");
      await delay(forMs);
      return node.signal("SIGCONT");
    }
    await (what === "kill" ? node.kill() : node.end());
    await delay(forMs);
    node.start();
  }

  /** After the faults: all work must end, and every client must have every message. */
  async #settle(store: TorturedStore): Promise<void> {
    const { say } = this.#options;
    const publisher = this.#publisher;
    publisher.finish();
    for (const load of this.#loads) load.tell({ heal: true });
    await store.waitUntilWhole();
    await this.#wait("all nodes to serve", () => this.#nodes.every(({ outlet }) => outlet));
    const settled = () => publisher.unsettled === 0;
    await this.#wait("all messages to be kept", settled, () => `${publisher.unsettled} are not`);
    say(`${publisher.all.size} messages are settled`);
    await this.#wait(
      "all clients to hear the last messages",
      () => this.#back.size === this.#loads.length,
      () => [...this.#missing.values()].flat().join("; "),
      () => this.#publishLast(),
    );
    for (const node of this.#nodes) node.tell({ audit: this.#topics });
    await this.#wait(
      "the nodes to read all histories",
      () => this.#audits.length === this.#topics.length * this.#nodes.length,
    );
  }

  /** Publishes on all topics for all clients. Repeats it for clients that are not back yet. */
  #publishLast(): void {
    const publisher = this.#publisher;
    if (publisher.unsettled > 0) return;
    const last = publisher.publishLast();
    void this.#wait("the last messages to be kept", () => publisher.unsettled === 0).then(() => {
      const awaitLast = last.flatMap(({ topic, acks: [ack] }) =>
        ack ? [[topic, ack.epoch, ack.offset] as const] : []
      );
      for (const load of this.#loads) load.tell({ awaitLast });
    });
  }

  /** Everybody leaves: nothing may remain. */
  async #end(): Promise<void> {
    for (const load of this.#loads) load.tell({ finish: true });
    await this.#wait(
      "the processes of clients to end by themselves",
      () => this.#loads.every(({ isGone }) => isGone),
    );
    await this.#wait("all counts of nodes to be zero", () => {
      const isZero = [...this.#stats.values()].every((stats) => remains(stats).length === 0);
      if (isZero && this.#stats.size === this.#nodes.length) return true;
      for (const node of this.#nodes) node.tell({ stats: true });
      return false;
    }, () => [...this.#stats].map(([i, stats]) => `node ${i}: ${remains(stats).join(", ")}`).join("; "));
    await Promise.all(this.#nodes.map((node) => node.end()));
  }

  #judge(): Outcome {
    const verdict = judge({
      publications: this.#publisher.all,
      book: this.#book,
      jumps: this.#jumps,
      audits: this.#audits,
    });
    for (const { counts } of this.#nodes) this.#done.addAll(counts.all);
    const sum = new Tally();
    for (const counts of this.#loadCounts) sum.addAll({ ...counts });
    return {
      ...verdict,
      violations: [...this.#violations, ...verdict.violations],
      counts: { published: this.#publisher.all.size, ...sum.all, ...this.#done.all },
      failures: this.#publisher.failures.all,
      nodeErrors: this.#nodeErrors.all,
      clientErrors: this.#clientErrors.all,
    };
  }

  #onNode(index: number, life: number, word: NodeWord): void {
    if ("answers" in word) this.#publisher.answered(life, word.answers);
    else if ("audit" in word) this.#audits.push(word.audit);
    else if ("stats" in word) this.#stats.set(index, { ...word.stats, publishing: word.publishing });
    else if ("errors" in word) {
      this.#nodeErrors.addAll(word.errors);
      if (word.stuckUpgrades > 0) this.#done.add("WebSockets that Deno kept for ever", word.stuckUpgrades);
    }
  }

  #onLoad(index: number, word: LoadWord): void {
    if ("ready" in word) this.#ready.add(index);
    else if ("back" in word) this.#back.add(index);
    else if ("missing" in word) this.#missing.set(index, word.missing);
    else if ("violation" in word) this.#violate(word.violation);
    else if ("jump" in word) this.#jumps.push(word.jump);
    else if ("heard" in word) this.#hear(word.heard);
    else {
      this.#loadCounts.push(word.counts);
      this.#clientErrors.addAll(word.errors);
    }
  }

  #hear(heard: Extract<LoadWord, { heard: unknown }>["heard"]): void {
    this.#book.add(heard, (offset, a, b) => {
      this.#violate(
        `${heard.topic} has ${a} and ${b} at ${heard.epoch} ${offset}, as clients of two processes hear`,
      );
    });
  }

  #violate(what: string): void {
    if (this.#violations.push(what) <= 20) this.#options.say(`VIOLATION: ${what}`);
  }

  /**
   * Waits until something is true, but not for ever.
   *
   * @param why Tells what is lacking.
   * @param again Called at once, and now and then.
   */
  async #wait(what: string, isTrue: () => boolean, why = () => "", again = () => {}): Promise<void> {
    const start = performance.now();
    for (let next = 0; !isTrue();) {
      const waited = performance.now() - start;
      if (waited > PATIENCE_MS) return this.#violate(`waited ${PATIENCE_MS} ms for ${what}: ${why()}`);
      if (waited >= next) {
        next = waited + AGAIN_MS;
        again();
      }
      await delay(LOOK_MS);
    }
  }
}

/** The counts of a node that are not zero. */
function remains(stats: HubStats & { readonly publishing: number }): string[] {
  const { refused: _, presence: __, ...counts } = stats;
  return Object.entries(counts).filter(([, count]) => count !== 0).map(([name, count]) => `${name} ${count}`);
}

/**
 * Tortures.
 *
 * @param options What, and by what.
 */
export const torture = (options: TortureOptions): Promise<Outcome> => new Torture(options).run();

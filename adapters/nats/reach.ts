/**
 * Finds out whether all servers of a cluster know a subscription.
 *
 * A server answers a ping as soon as it has the subscription itself. The other servers get it later, and a message
 * published there before that is lost (measured: one message in eight that was published right after). Between two
 * servers messages keep their order. So a question that is sent after a subscription also arrives after it: when a node
 * on another server answers, that server knows the subscription. This uses four subjects that are not channels:
 *
 * - `%ask`: the question. The nodes on one server listen as one queue group, named after the server: one of them
 *   answers.
 * - `%answer.NODE`: the answers to the node that asked, each with the text of the question and the id of a server.
 * - `%hello`: a node has connected to a server. From then on, every `subscribe` also waits for an answer from that
 *   server. That server knows all earlier subscriptions when the new node gets its own first answers.
 * - `%bye`: a node has left a server, and may have been the last node there.
 *
 * @module
 */

import type { Clock } from "../../contract/clock.ts";
import { decodeEnvelope, encodeEnvelope } from "../kit/envelope.ts";
import type { NatsClient, NatsMessage, NatsSubscription } from "./client.ts";
import { encodeToken, type Subjects } from "./subject.ts";

/** How long to wait for a server that has answered before. After that, it counts as gone, and its nodes as moved. */
const ANSWER_MS = 1_000;

/** How long a node that joins a cluster waits for unknown servers. */
const FIRST_ANSWERS_MS = 250;

/** How long a node that comes back waits until its server has links to the others. Servers try about once a second. */
const LINKS_MS = 5_000;

/** If the connection is lost within this time after such a wait was in vain, the next connection waits again. */
const UNSURE_MS = 2 * LINKS_MS;

/** More servers than any cluster has. */
const MAX_SERVERS = 1_000;

/** A wait for the answers of these servers. */
interface Waiter {
  readonly question: number;
  readonly missing: Set<string>;
  /** How many answers from unknown servers are still missing. */
  unknown: number;
  settle(): void;
}

/** The connection for the questions. */
export interface AskingLink {
  readonly client: NatsClient;
  /** Sends a message. Throws if the client is closed. */
  publish(subject: string, bytes: Uint8Array): boolean;
  /**
   * Resolves when the server has processed everything sent up to the end of this turn. Rejects when the connection is
   * lost.
   */
  confirm(): Promise<void>;
}

/** What a node knew of the cluster when it lost its connection. */
export interface Former {
  /** The other servers with nodes. */
  readonly others: ReadonlySet<string>;
  /** Whether there were other nodes on its own server. */
  readonly hadNeighbours: boolean;
  /** How many addresses the cluster had; below 2 without a cluster. */
  readonly size: number;
}

/** The options of {@linkcode Reach}. */
export interface ReachOptions {
  readonly link: AskingLink;
  readonly nodeId: string;
  readonly subjects: Subjects;
  readonly clock: Clock;
  /** Messages of the nodes on another server were lost for a while, and come again. */
  onBack(): void;
}

const encoder = new TextEncoder();

/** The other servers with nodes of this cluster, as one connection knows them. */
export class Reach {
  readonly #options: ReachOptions;
  /** The last question that each server has answered. */
  readonly #servers = new Map<string, number>();
  /** The question that each silent server has not answered. */
  readonly #silent = new Map<string, number>();
  readonly #waiters = new Set<Waiter>();
  #subscriptions: NatsSubscription[] = [];
  /** Distinguishes the questions of this connection from those of the node's earlier connections. */
  readonly #token: string = crypto.randomUUID().slice(0, 8);
  #question = 0;
  /** The cluster as it was, if this node has waited in vain for it, and when. */
  #missed: { readonly former: Former; readonly at: number } | undefined;
  /** How many servers of that cluster have not answered yet. */
  #owed = 0;
  #size = 0;
  #hasNeighbours = false;
  /** The shared wait of all subscriptions in this turn. */
  #nextConfirm: Promise<void> | undefined;

  /** @param options The connection, and this node. */
  constructor(options: ReachOptions) {
    this.#options = options;
  }

  /** Listens and says hello, on a new connection, or after a change of the server. */
  join(): void {
    const { link: { client }, subjects, nodeId } = this.#options;
    this.leave();
    const on = (name: string, callback: (message: NatsMessage) => void, queue?: string) => {
      const subject = subjects.aside(name);
      this.#subscriptions.push(client.subscribe(subject, {
        callback: (error, message) => error ? undefined : callback(message),
        ...(queue === undefined ? {} : { queue }),
      }));
    };
    on("hello", (message) => this.#onHello(message));
    on("bye", (message) => {
      if (this.#read(message)) this.#answered(this.#ask(), FIRST_ANSWERS_MS);
    });
    on(`answer.${encodeToken(nodeId)}`, (message) => this.#onAnswer(message));
    on("ask", (message) => this.#onAsk(message), this.#server);
    this.#send("hello", this.#server);
    this.#ask();
  }

  /** Ends listening, and ends all waits. */
  leave(): void {
    for (const subscription of this.#subscriptions.splice(0)) {
      try {
        subscription.unsubscribe();
      } catch {
        // The client is closed: then it has no subscriptions.
      }
    }
    for (const { settle } of [...this.#waiters]) settle();
    this.#servers.clear();
    this.#silent.clear();
    this.#hasNeighbours = false;
  }

  /** Ends listening, and says goodbye. */
  part(): void {
    this.leave();
    this.#send("bye", this.#server);
  }

  /** Finds out which servers are still there, so that later waits do not include servers that are gone. */
  refresh(): void {
    void this.#answeredByKnown(this.#ask());
  }

  /**
   * Resolves when every server with nodes of this cluster knows the subscriptions of this turn, as far as this can be
   * known. Rejects when the connection is lost before.
   */
  confirm(): Promise<void> {
    this.#nextConfirm ??= (async () => {
      await Promise.resolve();
      this.#nextConfirm = undefined;
      let question = this.#servers.size > 0 ? this.#ask() : undefined;
      await this.#options.link.confirm();
      // By now this node knows every node that joined another server before this node's server had the subscriptions.
      if (this.#servers.size === 0) return;
      question ??= this.#ask();
      await this.#answeredByKnown(question);
    })();
    return this.#nextConfirm;
  }

  /** What this node knows of the cluster. */
  get known(): Former {
    const { former, at } = this.#missed ?? {};
    const old = this.#options.clock.now() - (at ?? -Infinity) < UNSURE_MS ? former : undefined;
    const others = old && old.others.size > this.#servers.size ? old.others : this.#servers.keys();
    return {
      others: new Set(others),
      hadNeighbours: this.#hasNeighbours || old?.hadNeighbours === true,
      size: Math.max(this.#size, old?.size ?? 0),
    };
  }

  /**
   * Resolves when the servers of the cluster have answered since {@linkcode join}: then they know this node's
   * subscriptions. After a restart, servers have no links to each other at first.
   *
   * @param former The cluster as it was before this node lost its connection.
   */
  async joined(former: Former): Promise<void> {
    const { others, hadNeighbours, size } = former;
    const { clock } = this.#options;
    const expected = size < 2
      ? 0
      : others.has(this.#server)
      ? others.size - 1
      : Math.max(others.size, Number(hadNeighbours));
    for (const end = clock.now() + LINKS_MS; this.#subscriptions.length > 0; this.#ask()) {
      const isWhole = this.#size >= size;
      // Every server has one address or more.
      const unknown = this.#size - 1 - this.#servers.size;
      await this.#answered(this.#question, FIRST_ANSWERS_MS, Math.max(unknown, expected - this.#reached));
      // All nodes may have been on one server, and have moved to this one together. Then only that server is missing.
      const areHere = others.size === 0 && this.#hasNeighbours && this.#size >= size - 1;
      if (isWhole || areHere || this.#reached >= expected) return;
      if (clock.now() < end) continue;
      this.#missed = { former, at: clock.now() };
      this.#owed = expected - this.#reached;
      return;
    }
  }

  /** How many servers have answered. */
  get #reached(): number {
    return [...this.#servers.values()].filter((question) => question > 0).length;
  }

  get #server(): string {
    return this.#options.link.client.info?.server_id ?? "";
  }

  /** Whether another node is on this node's server. */
  #isOwn(server: string): boolean {
    const isOwn = server === this.#server;
    this.#hasNeighbours ||= isOwn;
    return isOwn;
  }

  /** Asks all servers, and so learns which servers there are. */
  #ask(): number {
    this.#question++;
    this.#size = this.#options.link.client.info?.connect_urls?.length ?? this.#size;
    this.#send("ask", `${this.#token}.${this.#question}`);
    return this.#question;
  }

  async #answeredByKnown(question: number): Promise<void> {
    for (const server of await this.#answered(question, ANSWER_MS)) {
      if (this.#silent.size < MAX_SERVERS) this.#silent.set(server, question);
    }
  }

  /** Resolves with the servers that have not answered in time. */
  #answered(question: number, patienceMs: number, unknown = 0): Promise<readonly string[]> {
    return new Promise((resolve) => {
      const missing = new Set(
        [...this.#servers].filter(([, last]) => last < question).map(([server]) => server),
      );
      let silent: readonly string[] = [];
      const waiter: Waiter = {
        question,
        missing,
        unknown,
        settle: () => {
          cancel();
          this.#waiters.delete(waiter);
          resolve(silent);
        },
      };
      const cancel = this.#options.clock.after(patienceMs, () => {
        silent = [...missing];
        for (const server of silent) this.#forget(server);
        waiter.settle();
      });
      this.#waiters.add(waiter);
      this.#settleIfDone(waiter);
    });
  }

  /** A server is gone: ends all waits for it. */
  #forget(server: string): void {
    this.#servers.delete(server);
    for (const waiter of [...this.#waiters]) {
      if (waiter.missing.delete(server)) this.#settleIfDone(waiter);
    }
  }

  #settleIfDone({ missing, unknown, settle }: Waiter): void {
    if (missing.size === 0 && unknown <= 0) settle();
  }

  #send(name: string, text: string): void {
    const { link, subjects, nodeId } = this.#options;
    const bytes = encoder.encode(encodeEnvelope(nodeId, text) as string);
    try {
      link.publish(subjects.aside(name), bytes);
    } catch {
      // The client is closed. A wait for the answer ends through the loss of the connection.
    }
  }

  #read({ data }: NatsMessage): { readonly from: string; readonly text: string } | undefined {
    const envelope = decodeEnvelope(data as Uint8Array<ArrayBuffer>);
    if (!envelope || typeof envelope.data !== "string" || envelope.from === this.#options.nodeId) {
      return undefined;
    }
    return { from: envelope.from, text: envelope.data };
  }

  #onHello(message: NatsMessage): void {
    const server = this.#read(message)?.text;
    if (server === undefined || this.#isOwn(server) || this.#servers.has(server)) return;
    if (this.#servers.size < MAX_SERVERS) this.#servers.set(server, 0);
  }

  #onAsk(message: NatsMessage): void {
    const asked = this.#read(message);
    if (asked) this.#send(`answer.${encodeToken(asked.from)}`, `${asked.text} ${this.#server}`);
  }

  #onAnswer(message: NatsMessage): void {
    const answer = /^(\w+)\.(\d{1,15}) (.+)$/.exec(this.#read(message)?.text ?? "");
    const [question, server] = [Number(answer?.[2]), answer?.[3]];
    // An answer to an earlier connection says nothing about the subscriptions of this one.
    if (server === undefined || answer![1] !== this.#token || this.#isOwn(server)) return;
    const isNew = !this.#servers.has(server);
    if (isNew && this.#servers.size >= MAX_SERVERS) return;
    const last = this.#servers.get(server) ?? 0;
    this.#servers.set(server, Math.max(question, last));
    if (last === 0 && this.#owed > 0) {
      // This node was up without the messages from there.
      this.#owed--;
      this.#options.onBack();
    }
    // A late answer says that its node was busy. Without it, other messages were lost too.
    const unanswered = this.#silent.get(server) ?? Infinity;
    if (this.#silent.delete(server) && question > unanswered) this.#options.onBack();
    for (const waiter of [...this.#waiters]) {
      if (question < waiter.question) continue;
      if (isNew) waiter.unknown--;
      waiter.missing.delete(server);
      this.#settleIfDone(waiter);
    }
  }
}

/**
 * Whether all servers of a cluster know of a subscription.
 *
 * A server answers a ping as soon as it has the subscription itself; the others hear of it later, and until then what is
 * published there is lost (measured: one message in eight that was published right after). On the way from one server to
 * another nothing overtakes, so a question that is sent after a subscription arrives after it: when a node on that server
 * answers, its server knows. Three subjects beside the channels serve for that:
 *
 * - `%ask`: the question. Nodes on one server listen as one queue, named after it: one of them answers.
 * - `%answer.NODE`: where the node that asked hears the answers, each with the id of a server.
 * - `%hello`: a node has come to a server. Everybody who subscribes from then on waits for that server's answer too; what
 *   was subscribed before is known there when the new node has its own first answers.
 * - `%bye`: a node has left a server, which may have been the last one there.
 *
 * @module
 */

import type { Clock } from "../../contract/clock.ts";
import { decodeEnvelope, encodeEnvelope } from "../kit/envelope.ts";
import type { NatsClient, NatsMessage, NatsSubscription } from "./client.ts";
import { encodeToken, type Subjects } from "./subject.ts";

/** How long a server that has answered before is waited for. Then it is gone, and its nodes have moved. */
const ANSWER_MS = 1_000;

/** How long a node that comes to a cluster waits for servers that it does not know. */
const FIRST_ANSWERS_MS = 250;

/** More servers than any cluster has. */
const MAX_SERVERS = 1_000;

/** Somebody who waits until these servers have answered. */
interface Waiter {
  readonly question: number;
  readonly missing: Set<string>;
  /** How many more servers must answer that are not known yet. */
  unknown: number;
  settle(): void;
}

/** The connection over which it asks. */
export interface AskingLink {
  readonly client: NatsClient;
  /** Sends a message; throws when the client is closed. */
  publish(subject: string, bytes: Uint8Array): boolean;
  /** Resolves when the server has dealt with all that was sent up to the end of this turn; rejects when it is lost. */
  confirm(): Promise<void>;
}

/** What it takes to ask. */
export interface ReachOptions {
  readonly link: AskingLink;
  readonly nodeId: string;
  readonly subjects: Subjects;
  readonly clock: Clock;
}

const encoder = new TextEncoder();

/** The other servers on which nodes of ours are, as one connection knows them. */
export class Reach {
  readonly #options: ReachOptions;
  /** The last question that each server has answered. */
  readonly #servers = new Map<string, number>();
  readonly #waiters = new Set<Waiter>();
  #subscriptions: NatsSubscription[] = [];
  #question = 0;
  /** The wait of all who subscribe in this turn. */
  #nextConfirm: Promise<void> | undefined;

  /** @param options The connection, and who asks. */
  constructor(options: ReachOptions) {
    this.#options = options;
  }

  /** Listens and says hello, on a connection that is new or has come to another server. */
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

  /** Listens no more; lets nobody wait. */
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
  }

  /** Leaves, and says so. */
  part(): void {
    this.leave();
    this.#send("bye", this.#server);
  }

  /** Finds out which servers are still there, so that nobody waits for one that is gone. */
  refresh(): void {
    this.#answered(this.#ask(), ANSWER_MS);
  }

  /**
   * Resolves when every server where nodes of ours are knows of what was subscribed up to the end of this turn, as far as it
   * can be known. Rejects when the connection is lost before.
   */
  confirm(): Promise<void> {
    this.#nextConfirm ??= (async () => {
      await Promise.resolve();
      this.#nextConfirm = undefined;
      let question = this.#servers.size > 0 ? this.#ask() : undefined;
      await this.#options.link.confirm();
      // By now we know of everybody who came to another server before our own had our subscriptions.
      if (this.#servers.size === 0) return;
      question ??= this.#ask();
      await this.#answered(question, ANSWER_MS);
    })();
    return this.#nextConfirm;
  }

  /** Resolves when the servers of the cluster have answered to {@linkcode join}: then they know what we subscribe to. */
  async joined(): Promise<void> {
    const { info } = this.#options.link.client;
    // Every server has one address or more.
    const others = Math.max(0, (info?.connect_urls?.length ?? 0) - 1);
    await this.#answered(this.#question, FIRST_ANSWERS_MS, others - this.#servers.size);
  }

  get #server(): string {
    return this.#options.link.client.info?.server_id ?? "";
  }

  /** Asks all servers, and learns which there are. */
  #ask(): number {
    this.#question++;
    this.#send("ask", `${this.#question}`);
    return this.#question;
  }

  #answered(question: number, patienceMs: number, unknown = 0): Promise<void> {
    return new Promise((resolve) => {
      const missing = new Set(
        [...this.#servers].filter(([, last]) => last < question).map(([server]) => server),
      );
      const waiter: Waiter = {
        question,
        missing,
        unknown,
        settle: () => {
          cancel();
          this.#waiters.delete(waiter);
          resolve();
        },
      };
      const cancel = this.#options.clock.after(patienceMs, () => {
        for (const server of [...missing]) this.#forget(server);
        waiter.settle();
      });
      this.#waiters.add(waiter);
      this.#settleIfDone(waiter);
    });
  }

  /** Nobody waits for it any more. */
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
      // The client is closed: whoever waits for an answer hears of that.
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
    if (server === undefined || server === this.#server || this.#servers.has(server)) return;
    if (this.#servers.size < MAX_SERVERS) this.#servers.set(server, 0);
  }

  #onAsk(message: NatsMessage): void {
    const asked = this.#read(message);
    if (asked) this.#send(`answer.${encodeToken(asked.from)}`, `${asked.text} ${this.#server}`);
  }

  #onAnswer(message: NatsMessage): void {
    const answer = /^(\d{1,15}) (.+)$/.exec(this.#read(message)?.text ?? "");
    const [question, server] = [Number(answer?.[1]), answer?.[2]];
    if (server === undefined || server === this.#server) return;
    const isNew = !this.#servers.has(server);
    if (isNew && this.#servers.size >= MAX_SERVERS) return;
    this.#servers.set(server, Math.max(question, this.#servers.get(server) ?? 0));
    for (const waiter of [...this.#waiters]) {
      if (question < waiter.question) continue;
      if (isNew) waiter.unknown--;
      waiter.missing.delete(server);
      this.#settleIfDone(waiter);
    }
  }
}

import type { ClientMessage, Hello, Position, ServerMessage } from "../../contract/mod.ts";
import type { FakeLink } from "./fake_server.ts";

interface Log {
  epoch: number;
  /** The offset of the first message that is kept. */
  first: number;
  head: number;
}

const forbidden = { code: "FORBIDDEN", message: "Not yours" };
const unavailable = { code: "UNAVAILABLE", message: "Not now" };

/**
 * A hub that does by the protocol what is asked of it, but only when it is told to: what was said waits on both ways,
 * and is lost with the link.
 */
export class SimHub {
  /** Breaches of the protocol by the client. */
  readonly violations: string[] = [];
  readonly #logs = new Map<string, Log>();
  #link: FakeLink | undefined;
  #read = 0;
  #active = new Set<string>();
  #outbox: ServerMessage[] = [];
  /** The result of the next subscribe. */
  verdict: "accept" | "deny" | "fail" = "accept";

  /** The topics that the client is subscribed to, as the hub sees it. */
  get active(): readonly string[] {
    return [...this.#active].sort();
  }

  log(topic: string): Log {
    const log = this.#logs.get(topic) ?? { epoch: 1, first: 1, head: 0 };
    this.#logs.set(topic, log);
    return log;
  }

  /**
   * Welcomes the client.
   *
   * @param link Its link, on which the client has said hello.
   * @param early Whether this hub subscribes it to the topics of its hello.
   */
  attach(link: FakeLink, early = false): void {
    this.#link = link;
    this.#read = link.messages.length;
    this.#active = new Set();
    this.#outbox = [];
    const [[, { topics = [] }]] = link.sent("hello") as [[string, Hello]];
    if (early) { for (const mark of topics) this.#handle(["sub", ...mark]); }
  }

  /** Reads so many messages of the client. */
  read(count: number): boolean {
    const messages = this.#link?.messages.slice(this.#read, this.#read + count) ?? [];
    this.#read += messages.length;
    for (const message of messages) this.#handle(message);
    return messages.length > 0;
  }

  /** Lets so many messages arrive at the client, in one frame. */
  write(count: number): boolean {
    const messages = this.#outbox.splice(0, count);
    if (messages.length > 0) this.#link?.say(...messages);
    return messages.length > 0;
  }

  publish(topic: string, options: { lost?: boolean } = {}): void {
    if (topic === "stats") {
      if (this.#active.has(topic)) this.#outbox.push(["pub", topic, { n: 1 }]);
      return;
    }
    const log = this.log(topic);
    log.head++;
    if (this.#active.has(topic) && !options.lost) {
      this.#outbox.push(["rec", topic, log.head, { n: log.head }]);
    }
  }

  end(topic: string): void {
    if (this.#active.delete(topic)) this.#outbox.push(["end", topic, forbidden]);
  }

  /** The hub has lost sight of other nodes for a while. */
  gap(topic: string): void {
    const log = this.log(topic);
    Object.assign(log, { epoch: log.epoch + 1, first: log.head + 1 });
    if (this.#active.has(topic)) this.#outbox.push(["gap", topic, [`e${log.epoch}`, log.head]]);
  }

  #handle(message: ClientMessage): void {
    if (message[0] === "unsub") this.#active.delete(message[1]);
    if (message[0] !== "sub") return;
    const [, id, topic, options] = message;
    const { verdict } = this;
    this.verdict = "accept";
    if (this.#active.has(topic)) this.violations.push(`subscribed to ${topic} twice`);
    if (verdict !== "accept") {
      this.#outbox.push(["err", id, verdict === "deny" ? forbidden : unavailable]);
      return;
    }
    this.#active.add(topic);
    if (topic === "stats") this.#outbox.push(["res", id]);
    else this.#resume(id, topic, options?.since);
  }

  #resume(id: number, topic: string, since: Position | undefined): void {
    const { epoch, first, head } = this.log(topic);
    const recovered = since !== undefined && since[0] === `e${epoch}` && since[1] >= first - 1;
    if (recovered) {
      for (let n = since[1] + 1; n <= head; n++) this.#outbox.push(["rec", topic, n, { n }]);
    }
    this.#outbox.push(["res", id, { position: [`e${epoch}`, head], recovered }]);
  }
}

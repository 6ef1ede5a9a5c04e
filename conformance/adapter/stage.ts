import type { Adapter, AdapterContext, AdapterData, AdapterStage } from "../../adapters/adapter.ts";
import { check, settles, until } from "../check.ts";
import type { AdapterSetup, BackplaneFaults } from "./setup.ts";

/** A message that a node received. */
export interface Received {
  readonly channel: string;
  readonly data: AdapterData;
  readonly from: string;
}

/** One node of a case: an adapter, and everything that it reported. */
export class Node {
  readonly nodeId: string;
  readonly adapter: Adapter;
  readonly received: Received[] = [];
  readonly errors: { readonly error: Error; readonly stage: AdapterStage; readonly channel?: string }[] = [];
  readonly statuses: ("up" | "down")[] = [];
  readonly gaps: (readonly string[] | undefined)[] = [];
  readonly #waitMs: number;

  constructor(nodeId: string, adapter: Adapter, waitMs: number) {
    this.nodeId = nodeId;
    this.adapter = adapter;
    this.#waitMs = waitMs;
  }

  /** The context that the adapter is opened with. */
  get context(): AdapterContext {
    return {
      nodeId: this.nodeId,
      deliver: (channel, data, from) => void this.received.push({ channel, data, from }),
      onError: (error, { stage, channel }) => void this.errors.push({ error, stage, channel }),
      onStatus: (status) => void this.statuses.push(status),
      onGap: (channels) => void this.gaps.push(channels),
    };
  }

  get status(): "up" | "down" | undefined {
    return this.statuses.at(-1);
  }

  open(): Promise<void> {
    return this.adapter.open(this.context);
  }

  async subscribe(...channels: string[]): Promise<void> {
    const all = Promise.all(channels.map((channel) => this.adapter.subscribe(channel)));
    await settles(all, `${this.nodeId} to subscribe`, this.#waitMs);
  }

  async unsubscribe(...channels: string[]): Promise<void> {
    const all = Promise.all(channels.map((channel) => this.adapter.unsubscribe(channel)));
    await settles(all, `${this.nodeId} to unsubscribe`, this.#waitMs);
  }

  publish(channel: string, data: AdapterData): void {
    this.adapter.publish(channel, data);
  }

  /** The messages that arrived on a channel, in order. */
  on(channel: string): AdapterData[] {
    return this.received.filter((message) => message.channel === channel).map(({ data }) => data);
  }

  /**
   * Waits for a text on a channel. Earlier messages of the same publisher on this channel have then arrived, or never
   * will.
   */
  async got(channel: string, text: string): Promise<void> {
    // Checks only new messages. Otherwise a thousand messages would be read a thousand times.
    let seen = 0;
    await this.until(() => {
      while (seen < this.received.length) {
        const { channel: where, data } = this.received[seen++];
        if (where === channel && data === text) return true;
      }
      return false;
    }, `"${text}" on "${channel}"`);
  }

  async until(condition: () => boolean, what: string): Promise<void> {
    await until(condition, () => `${what} at ${this.nodeId}${this.#aboutIt()}`, this.#waitMs);
  }

  /** The errors that it reported, each with its stage. */
  get troubles(): string[] {
    return this.errors.map(({ error, stage }) => `${stage}: ${error.message}`);
  }

  #aboutIt(): string {
    const all = this.troubles;
    return `, which got ${this.received.length} messages and reported ${
      all.length === 0 ? "nothing" : all.slice(0, 3).join("; ")
    }`;
  }
}

/** The channel of {@linkcode passBy}. */
export const FENCE = "fence";

/**
 * Publishes a text on a channel that `past` does not subscribe to. Then waits until the text cannot arrive any more.
 * By then `witness` has the text, so the backplane has handled it. And `past` has a message that was published after
 * it. Both subscribe to {@linkcode FENCE}.
 */
export async function passBy(
  from: Node,
  past: Node,
  witness: Node,
  channel: string,
  text: string,
): Promise<void> {
  from.publish(channel, text);
  await witness.got(channel, text);
  const fence = crypto.randomUUID();
  from.publish(FENCE, fence);
  await past.got(FENCE, fence);
}

/** Makes the nodes of a case, and closes them at its end. */
export class Stage {
  readonly setup: AdapterSetup;
  readonly prefix: string = `conformance-${crypto.randomUUID()}`;
  readonly waitMs: number;
  readonly #nodes: Node[] = [];

  constructor(setup: AdapterSetup) {
    this.setup = setup;
    this.waitMs = setup.waitMs ?? 10_000;
  }

  get faults(): BackplaneFaults {
    const { faults } = this.setup;
    check(faults, "This case needs the setup's faults");
    return faults;
  }

  /** Makes a node that is not open. */
  async node(options: { prefix?: string; adapter?: Adapter } = {}): Promise<Node> {
    const { prefix = this.prefix } = options;
    const adapter = options.adapter ?? await this.setup.create({ prefix });
    const node = new Node(`node-${crypto.randomUUID()}`, adapter, this.waitMs);
    this.#nodes.push(node);
    return node;
  }

  async open(prefix: string = this.prefix): Promise<Node> {
    const node = await this.node({ prefix });
    await settles(node.open(), "a node to open", this.waitMs);
    return node;
  }

  /** Opens three nodes that subscribe to these channels, if any. */
  async cluster(...channels: string[]): Promise<[Node, Node, Node]> {
    const nodes = await Promise.all([this.open(), this.open(), this.open()]);
    await Promise.all(nodes.map((node) => node.subscribe(...channels)));
    return nodes as [Node, Node, Node];
  }

  async end(): Promise<void> {
    await this.setup.faults?.start();
    for (const node of this.#nodes) await settles(node.adapter.close(), "a node to close", this.waitMs);
  }
}

/** A case that does not know its adapter yet. */
export interface CaseDefinition {
  /** The behaviour. */
  readonly name: string;
  /** Returns why the case cannot run with a setup; `undefined` if it can. */
  needs?(setup: AdapterSetup): string | undefined;
  /** Rejects if the behaviour does not hold. */
  run(stage: Stage): Promise<void>;
}

import type { Adapter, AdapterContext, AdapterData } from "@trunkline/hub/adapters/adapter";

/** A message on its way. */
export interface Carried {
  readonly channel: string;
  readonly data: AdapterData;
}

/** An adapter that writes down what passes through it, and fails when it is told to. */
export class Tap implements Adapter {
  readonly name: string;
  readonly maxMessageBytes?: number;
  /** The channels of all calls of `subscribe`, in order. */
  readonly subscribed: string[] = [];
  readonly unsubscribed: string[] = [];
  readonly published: Carried[] = [];
  readonly delivered: (Carried & { readonly from: string })[] = [];
  /** Messages that `cut` and `lose` have dropped. */
  readonly dropped: Carried[] = [];
  /** Comes before a subscribe of the adapter below: may throw, or take its time. */
  beforeSubscribe: (channel: string) => Promise<void> | void = () => {};
  readonly #inner: Adapter;
  #context: AdapterContext | undefined;
  #state: "whole" | "cut" | "lost" = "whole";
  #opened = false;
  readonly #whenReachable = Promise.withResolvers<void>();

  constructor(
    inner: Adapter,
    { maxMessageBytes = inner.maxMessageBytes }: { maxMessageBytes?: number } = {},
  ) {
    this.#inner = inner;
    this.name = inner.name;
    this.maxMessageBytes = maxMessageBytes;
  }

  get presence(): Adapter["presence"] {
    return this.#inner.presence;
  }

  /** The published messages on channels with this beginning. */
  publishedOn(start: string): Carried[] {
    return this.published.filter(({ channel }) => channel.startsWith(start));
  }

  /** Drops everything in both directions without a report: as if the node crashed, or was alone behind a split. */
  cut(): void {
    this.#state = "cut";
  }

  /** Loses the backplane, and says so; before it is open it is not reachable, and opens when it is. */
  lose(): void {
    this.#state = "lost";
    this.#context?.onStatus("down");
  }

  /** Ends `cut` and `lose`. */
  heal(): void {
    const wasLost = this.#state === "lost";
    this.#state = "whole";
    this.#whenReachable.resolve();
    if (wasLost && this.#opened) this.#context?.onStatus("up");
  }

  /** Delivers what no node has sent. */
  inject(channel: string, data: AdapterData, from = "stranger"): void {
    this.#context!.deliver(channel, data, from);
  }

  /** Reports that a node's process has ended. */
  gone(nodeId: string): void {
    this.#context!.onNodeGone!(nodeId);
  }

  async open(context: AdapterContext): Promise<void> {
    this.#context = context;
    if (this.#state === "lost") await this.#whenReachable.promise;
    this.#opened = true;
    await this.#inner.open({
      ...context,
      deliver: (channel, data, from) => {
        if (this.#state !== "whole") return void this.dropped.push({ channel, data });
        this.delivered.push({ channel, data, from });
        context.deliver(channel, data, from);
      },
    });
  }

  async subscribe(channel: string): Promise<void> {
    this.subscribed.push(channel);
    await this.beforeSubscribe(channel);
    if (this.#state === "lost") throw new Error(`Cannot subscribe to "${channel}": the backplane is lost`);
    await this.#inner.subscribe(channel);
  }

  async unsubscribe(channel: string): Promise<void> {
    this.unsubscribed.push(channel);
    await this.#inner.unsubscribe(channel);
  }

  publish(channel: string, data: AdapterData): void {
    this.published.push({ channel, data });
    if (this.#state === "lost") {
      const error = new Error(`Cannot publish on "${channel}": the backplane is lost`);
      queueMicrotask(() => this.#context!.onError(error, { stage: "publish", channel }));
    } else if (this.#state === "whole") this.#inner.publish(channel, data);
  }

  async countListeners(channel: string): Promise<number | undefined> {
    return this.#state === "whole" ? await this.#inner.countListeners?.(channel) : undefined;
  }

  close(): Promise<void> {
    this.#whenReachable.reject(new Error("Closed before it was open"));
    this.#whenReachable.promise.catch(() => {});
    return this.#inner.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

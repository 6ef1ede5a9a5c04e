import type {
  Adapter,
  AdapterContext,
  AdapterData,
  AdapterStage,
  AdapterWaitOptions,
} from "../../adapters/adapter.ts";
import type { Order, Report } from "./broadcast_channel_worker.ts";

type Rest = Order extends infer O ? O extends readonly [infer K, number, ...infer R] ? [K, ...R] : never
  : never;

/** An adapter whose other half is in a worker of its own, which ends when the adapter closes. */
export class WorkerAdapter implements Adapter {
  readonly name = "broadcast-channel";
  readonly #worker: Worker;
  readonly #ready = Promise.withResolvers<void>();
  readonly #waiting = new Map<number, PromiseWithResolvers<void>>();
  #lastId = 0;
  #context: AdapterContext | undefined;
  #closing: Promise<void> | undefined;

  private constructor() {
    this.#worker = new Worker(new URL("./broadcast_channel_worker.ts", import.meta.url), { type: "module" });
    this.#worker.onmessage = ({ data }: MessageEvent<Report>) => this.#hear(data);
    this.#worker.onerror = (event) => this.#ready.reject(new Error(event.message));
  }

  /** Starts the worker, and an adapter in it. */
  static async create(prefix: string): Promise<WorkerAdapter> {
    const adapter = new WorkerAdapter();
    await adapter.#ready.promise;
    await adapter.tell("create", prefix);
    return adapter;
  }

  async open(context: AdapterContext): Promise<void> {
    this.#context ??= context;
    await this.tell("open", context.nodeId);
  }

  async subscribe(channel: string, { signal }: AdapterWaitOptions = {}): Promise<void> {
    signal?.throwIfAborted();
    await this.tell("subscribe", channel);
  }

  unsubscribe(channel: string): Promise<void> {
    return this.tell("unsubscribe", channel);
  }

  publish(channel: string, data: AdapterData): void {
    this.tell("publish", channel, data).catch(() => {});
  }

  close(): Promise<void> {
    this.#closing ??= this.tell("close").then(() => {
      this.#worker.terminate();
      for (const { reject } of this.#waiting.values()) reject(new Error("The worker has ended"));
      this.#waiting.clear();
    });
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Ends the worker as a crash would: nothing says goodbye. */
  kill(): void {
    this.#closing = Promise.resolve();
    this.#worker.terminate();
  }

  /** Sends an order to the worker. */
  tell(...[kind, ...rest]: Rest): Promise<void> {
    if (this.#closing) return Promise.reject(new Error("The worker has ended"));
    const id = ++this.#lastId;
    const waiting = Promise.withResolvers<void>();
    this.#waiting.set(id, waiting);
    this.#worker.postMessage([kind, id, ...rest]);
    return waiting.promise;
  }

  #hear(report: Report): void {
    switch (report[0]) {
      case "ready":
        return this.#ready.resolve();
      case "done": {
        const [, id, error] = report;
        const waiting = this.#waiting.get(id);
        this.#waiting.delete(id);
        return error === undefined ? waiting?.resolve() : waiting?.reject(new Error(error));
      }
      case "deliver":
        return this.#context?.deliver(report[1], report[2], report[3]);
      case "error":
        return this.#context?.onError(new Error(report[1]), {
          stage: report[2] as AdapterStage,
          channel: report[3],
        });
      case "status":
        return this.#context?.onStatus(report[1]);
    }
  }
}

/**
 * One node of the cluster and its two connections: one publishes, and one subscribes while a partition needs it.
 *
 * @module
 */

import type { Publisher } from "./publishing/publisher.ts";
import type { Subscriber } from "./subscribing/subscriber.ts";

/** A node that serves partitions, or served some until now. */
export class Shard {
  readonly address: string;
  readonly publisher: Publisher;
  readonly subscriber: Subscriber;

  /**
   * @param publisher The connection that publishes.
   * @param subscriber The connection that subscribes.
   */
  constructor(publisher: Publisher, subscriber: Subscriber) {
    this.address = publisher.address;
    this.publisher = publisher;
    this.subscriber = subscriber;
  }

  /** Tests whether both connections are alive and lead to each other. */
  check(): void {
    void this.publisher.check();
    void this.subscriber.check(async (name, data) => {
      const results = await this.publisher.link?.publish([{ name, data }]);
      return typeof results?.[0] === "number";
    });
  }

  /** Closes both connections. */
  async close(): Promise<void> {
    await Promise.all([this.publisher.close(), this.subscriber.close()]);
  }
}

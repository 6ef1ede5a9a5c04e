/**
 * What the published suites for stores of histories and of presence are played with on Redis, alone and as a cluster.
 *
 * @module
 */

import { createClient } from "redis";
import type { Adapter } from "../../../adapters/adapter.ts";
import type { RedisAdapterOptions } from "../../../adapters/redis/mod.ts";
import type { ConformanceCase } from "../../../conformance/mod.ts";
import { test } from "../../harness.ts";

/** The ways to a Redis, by how tests call them; each call makes one for another adapter. */
export const waysTo = (url: string): Readonly<Record<string, () => Partial<RedisAdapterOptions>>> => ({
  "in Redis by ioredis": () => ({ url }),
  "in Redis by node-redis": () => ({ client: createClient({ url }) }),
});

/** Adapters that are closed at the end of each case. */
export class OpenAdapters implements AsyncDisposable {
  readonly #adapters: Adapter[] = [];
  readonly errors: Error[] = [];

  /** Opens one, without the stores that it has. */
  async open(adapter: Adapter): Promise<Adapter> {
    this.#adapters.push(adapter);
    await adapter.open({
      nodeId: crypto.randomUUID(),
      deliver() {},
      onError: (error) => void this.errors.push(error),
      onStatus() {},
      onGap() {},
    });
    return adapter;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#adapters.splice(0).map((adapter) => adapter.close()));
  }
}

/**
 * Registers a suite.
 *
 * @param what What is tested: `history store, in Redis`.
 * @param cases The suite.
 * @param adapters The adapters that its stores are of, where they are of any.
 */
export function testStores(
  what: string,
  cases: readonly ConformanceCase[],
  adapters?: AsyncDisposable,
): void {
  for (const { name, skip, run } of cases) {
    const title = `${what}: ${name}`;
    if (skip) test.skip(title, skip);
    else {
      test(title, async () => {
        await using _ = adapters;
        await run();
      }, { timeoutMs: 60_000 });
    }
  }
}

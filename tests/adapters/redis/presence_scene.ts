/**
 * What the tests of presence in Redis are played with: adapters that are open, and closed in the end.
 *
 * @module
 */

import type { Adapter } from "../../../adapters/adapter.ts";
import type { PresenceStore } from "../../../adapters/presence_store.ts";
import type { ConformanceCase } from "../../../conformance/mod.ts";
import { test } from "../../harness.ts";

/** Adapters of a test. */
export class OpenAdapters implements AsyncDisposable {
  readonly #adapters: Adapter[] = [];
  readonly errors: Error[] = [];

  /** Opens one, and gives its store. */
  async open(adapter: Adapter): Promise<PresenceStore> {
    this.#adapters.push(adapter);
    await adapter.open({
      nodeId: crypto.randomUUID(),
      deliver() {},
      onError: (error) => void this.errors.push(error),
      onStatus() {},
      onGap() {},
    });
    return adapter.presence!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#adapters.splice(0).map((adapter) => adapter.close()));
  }
}

/** Registers the suite for stores on an adapter. */
export function testCases(what: string, adapters: OpenAdapters, cases: readonly ConformanceCase[]): void {
  for (const { name, skip, run } of cases) {
    const title = `presence store, ${what}: ${name}`;
    if (skip) test.skip(title, skip);
    else {
      test(title, async () => {
        await using _ = adapters;
        await run();
      }, { timeoutMs: 60_000 });
    }
  }
}

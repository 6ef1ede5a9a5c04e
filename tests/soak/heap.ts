/**
 * The heap of the process that runs the tests.
 *
 * @module
 */

import { memoryUsage } from "node:process";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** The part of Bun's global that is used. */
interface BunGlobal {
  gc(synchronously: boolean): void;
}

function findCollector(): () => void {
  const { Bun } = globalThis as unknown as { readonly Bun?: BunGlobal };
  if (Bun) return () => Bun.gc(true);
  // V8 offers its collector to contexts that are made after this flag is set, and only to those.
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}

const collect = findCollector();

/**
 * How many bytes of the heap are in use after everything that can go is gone.
 *
 * @param rounds What is let go in one collection may be what held on to more; finalizers and closing sockets need turns
 * of their own.
 */
export async function settledHeapBytes(rounds = 5): Promise<number> {
  for (let round = 0; round < rounds; round++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  collect();
  return memoryUsage().heapUsed;
}

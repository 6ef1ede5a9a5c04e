// One port, served by as many processes as there are cores. All that differs from one process is the adapter, and this file.
// Run: deno task all-cores, which is: deno run --unstable-net --allow-all examples/all-cores/main.ts
//  or: bun examples/all-cores/main.ts
// Then, as often as you like: deno run --allow-net examples/all-cores/client.ts, or the same with bun.
import { relayNodeCluster } from "@trunkline/hub/adapters/node-cluster";
import cluster from "node:cluster";
import { availableParallelism } from "node:os";
import process from "node:process";

/** How long one that has just begun to serve and ended is not started again, in milliseconds. */
const PAUSE_MS = 500;

if (cluster.isPrimary) runPrimary();
else await import("./server.ts");

/** Starts the processes, and another one for each that ends; does no work of its own, as all their messages pass here. */
function runPrimary(): void {
  const count = Number(process.env.PROCESSES ?? availableParallelism());
  if (!(count >= 1)) throw new RangeError("Cannot use PROCESSES: give a number from 1");
  let stopping = false;
  relayNodeCluster();
  // Not 0: each would get another one.
  const env = { PORT: process.env.PORT ?? "8000" };
  if (Number(env.PORT) === 0) {
    throw new RangeError("Cannot use PORT=0: all processes share one port, so name it");
  }
  for (let i = 0; i < count; i++) cluster.fork(env);
  cluster.on("exit", ({ process: { pid } }, code, signal) => {
    if (!stopping) {
      console.log(`process ${pid} has ended (${signal ?? code}): starting another one`);
      setTimeout(() => stopping || cluster.fork(env), PAUSE_MS);
    } else if (Object.keys(cluster.workers ?? {}).length === 0) {
      process.exit();
    }
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      stopping = true;
      // With Ctrl+C a terminal tells them too; they listen once. Not by the worker's own kill(), which closes the pipe on Deno.
      for (const worker of Object.values(cluster.workers ?? {})) {
        try {
          process.kill(worker!.process.pid!, "SIGTERM");
        } catch {
          // It has ended meanwhile.
        }
      }
    });
  }
}

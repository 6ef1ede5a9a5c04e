// One port, served by as many processes as there are cores. Only the adapter and this file differ from a single process.
// Run: deno task all-cores, which is: deno run --unstable-net --allow-all examples/all-cores/main.ts
//  or: bun examples/all-cores/main.ts
// Then, as often as you like: deno run --allow-net examples/all-cores/client.ts, or the same with bun.
import { relayNodeCluster } from "@trunkline/hub/adapters/node-cluster";
import cluster from "node:cluster";
import { availableParallelism } from "node:os";
import process from "node:process";

/** The pause before a new process replaces one that ended, in milliseconds. */
const PAUSE_MS = 500;

if (cluster.isPrimary) runPrimary();
else await import("./server.ts");

/** Starts the processes, and a new one for each that ends. It does no other work, because all their messages pass here. */
function runPrimary(): void {
  const count = Number(process.env.PROCESSES ?? availableParallelism());
  if (!(count >= 1)) throw new RangeError("Cannot use PROCESSES: give a number from 1");
  let stopping = false;
  relayNodeCluster();
  // Not 0: each process would get a different port.
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
      // On Ctrl+C the terminal signals the workers too, so they listen once. Not the worker's kill(): on Deno it closes the pipe.
      for (const worker of Object.values(cluster.workers ?? {})) {
        try {
          process.kill(worker!.process.pid!, "SIGTERM");
        } catch {
          // The process has ended already.
        }
      }
    });
  }
}

/**
 * Starts a given number of processes on one port, with node:cluster and its adapter. Prints `{"port":…}` when all serve.
 *
 * @module
 */

import { relayNodeCluster } from "@trunkline/hub/adapters/node-cluster";
import cluster from "node:cluster";
import { createServer } from "node:net";
import process from "node:process";

/** Finds a free port: processes that share a port must know its number. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

if (cluster.isPrimary) {
  const count = Number(process.argv[2]);
  const port = await freePort();
  relayNodeCluster();
  let serving = 0;
  cluster.on("message", (_worker, message) => {
    if (message === "serving" && ++serving === count) console.log(JSON.stringify({ port }));
  });
  for (let i = 0; i < count; i++) cluster.fork({ PORT: String(port) });
  cluster.on("exit", () => process.exit(1));
} else {
  await import("./worker.ts");
}

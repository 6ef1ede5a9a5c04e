/**
 * A test's own NATS servers.
 *
 * @module
 */

import { onFreePort } from "./ports.ts";
import { type Broker, findServer, Program, toBroker } from "./program.ts";
import { firstLine } from "./sockets.ts";
import { until } from "./until.ts";

/** Options of {@linkcode startNats}. */
export interface NatsOptions {
  /** The port of 127.0.0.1; a free one by default. */
  readonly port?: number;
  /** More arguments of `nats-server`: `["--user", "me", "--pass", "secret"]`. */
  readonly args?: readonly string[];
  /** The path of `nats-server`; by default that in `NATS_SERVER`, or the one on the PATH. */
  readonly program?: string;
  /** Its cluster, if any; {@linkcode startNatsCluster} starts a whole cluster. */
  readonly cluster?: {
    /** The port for the other servers. */
    readonly port: number;
    /** The cluster ports of servers that it connects to. */
    readonly routes: readonly number[];
  };
}

/**
 * Starts a NATS server.
 *
 * @param options The options.
 * @returns The server, when it serves.
 */
export async function startNats(options: NatsOptions = {}): Promise<Broker> {
  const { cluster } = options;
  const program = options.program ?? findServer("nats-server", "NATS_SERVER");
  if (!program) throw new Error("Cannot find nats-server: set NATS_SERVER to its path");
  const start = async (port: number) => {
    const args = ["--addr", "127.0.0.1", "--port", String(port)];
    if (cluster) {
      // JetStream must recognise servers after a restart.
      args.push("--name", `server-${cluster.port}`);
      args.push("--cluster_name", "tests", "--cluster", `nats://127.0.0.1:${cluster.port}`);
      // The first server has a route to itself, because JetStream does not start without a route.
      const ports = cluster.routes.length > 0 ? cluster.routes : [cluster.port];
      args.push("--routes", ports.map((route) => `nats://127.0.0.1:${route}`).join());
    }
    args.push(...options.args ?? []);
    return toBroker(await Program.start({ program, args, ready: /Server is ready/ }), "nats", port);
  };
  return await (options.port === undefined ? onFreePort(start) : start(options.port));
}

/** NATS servers that know each other. */
export interface NatsCluster extends AsyncDisposable {
  readonly servers: readonly Broker[];
  /** Waits until every running server knows all other running servers, and no stopped one. */
  waitUntilStable(): Promise<void>;
  /** Ends all servers and removes their folders. */
  stop(): Promise<void>;
}

/**
 * Starts a cluster of NATS servers.
 *
 * @param count How many servers.
 * @param options The options of each server.
 * @returns The cluster, when the servers know each other.
 */
export async function startNatsCluster(
  count = 3,
  options: Pick<NatsOptions, "args" | "program"> = {},
): Promise<NatsCluster> {
  const servers: Broker[] = [];
  const routes: number[] = [];
  const cluster: NatsCluster = {
    servers,
    async waitUntilStable() {
      const running = servers.filter((server) => server.running);
      for (const { port } of running) {
        await until(async () => {
          const info = JSON.parse((await firstLine(port)).replace("INFO ", ""));
          const known: string[] = info.connect_urls ?? [];
          return known.length === running.length &&
            running.every((other) => known.includes(`127.0.0.1:${other.port}`));
        }, "the NATS servers to know each other");
      }
    },
    async stop() {
      await Promise.all(servers.map((server) => server.stop()));
    },
    [Symbol.asyncDispose]: () => cluster.stop(),
  };
  try {
    for (let i = 0; i < count; i++) {
      const server = await onFreePort(async (port) => {
        const server = await startNats({ ...options, cluster: { port, routes } });
        routes.push(port);
        return server;
      });
      servers.push(server);
    }
    await cluster.waitUntilStable();
  } catch (error) {
    await cluster.stop();
    throw error;
  }
  return cluster;
}

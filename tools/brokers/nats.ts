/**
 * NATS servers of a test's own.
 *
 * @module
 */

import { onFreePort } from "./ports.ts";
import { type Broker, findServer, Program, toBroker } from "./program.ts";
import { firstLine } from "./sockets.ts";
import { until } from "./until.ts";

/** Options of {@linkcode startNats}. */
export interface NatsOptions {
  /** The port of 127.0.0.1 to listen to; a free one when absent. */
  readonly port?: number;
  /** More arguments, as `nats-server` takes them: `["--user", "me", "--pass", "secret"]`. */
  readonly args?: readonly string[];
  /** The path of `nats-server`; what `NATS_SERVER` names or the PATH has when absent. */
  readonly program?: string;
  /** The cluster that it belongs to, if any; {@linkcode startNatsCluster} starts a whole one. */
  readonly cluster?: {
    /** The port that the other servers connect to. */
    readonly port: number;
    /** The cluster ports of servers that it connects to. */
    readonly routes: readonly number[];
  };
}

/**
 * Starts a NATS server.
 *
 * @param options Where, and how.
 * @returns The server, once it serves.
 */
export async function startNats(options: NatsOptions = {}): Promise<Broker> {
  const { cluster } = options;
  const program = options.program ?? findServer("nats-server", "NATS_SERVER");
  if (!program) throw new Error("Cannot find nats-server: name it by NATS_SERVER");
  const start = async (port: number) => {
    const args = ["--addr", "127.0.0.1", "--port", String(port)];
    if (cluster) {
      // JetStream wants to know servers again.
      args.push("--name", `server-${cluster.port}`);
      args.push("--cluster_name", "tests", "--cluster", `nats://127.0.0.1:${cluster.port}`);
      // The first one has a route to itself: JetStream does not start without any.
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
  /** Waits until every server that runs knows every other that does, and none that does not. */
  waitUntilStable(): Promise<void>;
  /** Ends all servers and removes their folders. */
  stop(): Promise<void>;
}

/**
 * Starts a cluster of NATS servers.
 *
 * @param count How many servers.
 * @param options How to start each.
 * @returns The cluster, once the servers know each other.
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

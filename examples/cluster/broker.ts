/**
 * The broker of the nodes: one that runs already, or one that this program starts.
 *
 * @module
 */

import { Redis } from "ioredis";
import type { ChildProcess } from "node:child_process";
import { env, execPath, versions } from "node:process";
import { freePort } from "./ports.ts";
import { findProgram, type Processes, type Running } from "./processes.ts";
import { findPostgres, postgresArgs } from "./postgres.ts";
import { rabbitMqArgs } from "./rabbitmq.ts";
import { Libp2pRelayBroker } from "./libp2p_relay.ts";
import { RelayBroker } from "./relay.ts";

/** A broker that nodes can use. */
export interface Broker {
  /** The variables by which the nodes find it. */
  readonly env: Readonly<Record<string, string>>;
  /** A description with its address, for the terminal. */
  readonly about: string;
  /** Whether this program started it. Other brokers are never killed. */
  readonly own: boolean;
  /** Whether it runs, as far as we know. */
  readonly running: boolean;
  /** Kills it, if this program started it, as in a crash. */
  kill(): Promise<void>;
  /** Starts it again at the same address. */
  start(): Promise<void>;
  /** Adds a node, if nodes reach this broker by the pipe that they were started with. */
  join?(node: ChildProcess): void;
}

/** The ports of one server. */
interface Ports {
  readonly port: number;
  /** For brokers that need two ports. */
  readonly otherPort: number;
}

/** A kind of broker. */
interface Kind {
  /** The variable that names a running broker. */
  readonly variable: string;
  readonly program: string;
  /** Finds its program, if it may be outside the PATH. */
  find?(): string | undefined;
  /** The package of its program, if it has another name. */
  readonly package?: string;
  /** The line that it prints when it serves. */
  readonly ready: RegExp;
  readonly scheme: string;
  /** The path of its addresses, if there is one. */
  readonly path?: string;
  /** Whether each server has two addresses. */
  readonly twofold?: boolean;
  /** The number of servers of one broker. */
  readonly servers: number;
  args(port: number, otherPort: number): string[];
  /** The arguments of `/bin/sh`, for a broker that needs preparation. */
  shell?(path: string, port: number, otherPort: number): string[];
  /** Joins the servers to one broker, the first time. */
  join?(servers: readonly Ports[]): Promise<void>;
}

// No persistence, and no access from other machines.
const redisArgs = (
  port: number,
) => ["--bind", "127.0.0.1", "--port", `${port}`, "--save", "", "--appendonly", "no"];

const KINDS: Readonly<Record<string, Kind>> = {
  "redis": {
    variable: "REDIS_URL",
    program: "redis-server",
    ready: /Ready to accept connections/,
    scheme: "redis",
    servers: 1,
    args: redisArgs,
  },
  "redis-cluster": {
    variable: "REDIS_CLUSTER_URL",
    program: "redis-server",
    ready: /Ready to accept connections/,
    scheme: "redis",
    servers: 3,
    args: (port, busPort) => [
      ...redisArgs(port),
      ...["--cluster-enabled", "yes", "--cluster-port", `${busPort}`, "--cluster-node-timeout", "2000"],
      ...["--cluster-announce-ip", "127.0.0.1"],
    ],
    join: joinRedisCluster,
  },
  "nats": {
    variable: "NATS_URL",
    program: "nats-server",
    ready: /Server is ready/,
    scheme: "nats",
    servers: 1,
    args: (port) => ["--addr", "127.0.0.1", "--port", `${port}`],
  },
  "rabbitmq": {
    variable: "RABBITMQ_URL",
    program: "rabbitmq-server",
    ready: /Server startup complete/,
    scheme: "amqp",
    servers: 1,
    args: () => [],
    shell: rabbitMqArgs,
  },
  "zeromq": {
    variable: "ZEROMQ_PROXY",
    program: "deno",
    find: () => versions.deno === undefined ? findProgram("deno") : execPath,
    ready: /Proxy listens/,
    scheme: "tcp",
    twofold: true,
    servers: 1,
    args: (port, otherPort) => [
      ...["run", "--allow-all", "--quiet", import.meta.resolve("@trunkline/hub/adapters/zeromq-proxy")],
      ...["--front", `tcp://127.0.0.1:${port}`, "--back", `tcp://127.0.0.1:${otherPort}`],
    ],
  },
  "postgres": {
    variable: "POSTGRES_URL",
    program: "postgres",
    package: "postgresql",
    find: findPostgres,
    ready: /database system is ready to accept connections/,
    scheme: "postgres",
    path: "/postgres",
    servers: 1,
    args: () => [],
    shell: postgresArgs,
  },
};

/**
 * Finds the broker of an adapter, or starts one at a free port.
 *
 * @param adapter The adapter.
 * @param processes Runs it, and ends it.
 * @throws {Error} If there is no broker. The message says what to do.
 */
export async function provideBroker(adapter: string, processes: Processes): Promise<Broker> {
  if (adapter === "node-cluster") return new RelayBroker();
  if (adapter === "libp2p") return await Libp2pRelayBroker.create();
  const { variable, program, find, package: packageName = program, servers: count, scheme } = KINDS[adapter]!;
  const named = env[variable];
  if (named) return usedBroker(variable, named, adapter);
  const path = find ? find() : findProgram(program);
  if (!path) {
    throw new Error(
      `Cannot start a broker for ${adapter}: ${program} is not on the PATH. ` +
        `Install it (apt-get install ${packageName}), or name one that runs: ${variable}=${scheme}://HOST:PORT`,
    );
  }
  const ports: Ports[] = [];
  for (let i = 0; i < count; i++) ports.push({ port: await freePort(), otherPort: await freePort() });
  const broker = new OwnBroker(adapter, path, ports, processes);
  await broker.open();
  return broker;
}

/** A broker that runs already, and continues after this program. */
function usedBroker(variable: string, url: string, adapter: string): Broker {
  const refuse = () =>
    Promise.reject(
      new Error(
        `The broker is the one that ${variable} names: this program did not start it, and does not end it`,
      ),
    );
  return {
    env: { [variable]: url },
    // Not the URL, because it may contain a password.
    about: `${adapter}: the one that ${variable} names`,
    own: false,
    running: true,
    kill: refuse,
    start: refuse,
  };
}

/** A broker that this program started. */
class OwnBroker implements Broker {
  readonly own = true;
  readonly #kind: Kind;
  readonly #adapter: string;
  readonly #path: string;
  readonly #ports: readonly Ports[];
  readonly #processes: Processes;
  readonly #folders: readonly string[];
  #servers: readonly Running[] = [];

  constructor(adapter: string, path: string, ports: readonly Ports[], processes: Processes) {
    this.#kind = KINDS[adapter]!;
    this.#adapter = adapter;
    this.#path = path;
    this.#ports = ports;
    this.#processes = processes;
    this.#folders = ports.map(() => processes.makeFolder());
  }

  get #url(): string {
    const { scheme, path = "", twofold } = this.#kind;
    const ports = this.#ports.flatMap(({ port, otherPort }) => twofold ? [port, otherPort] : [port]);
    return ports.map((port) => `${scheme}://127.0.0.1:${port}${path}`).join();
  }

  get env(): Readonly<Record<string, string>> {
    return { [this.#kind.variable]: this.#url };
  }

  get about(): string {
    return `${this.#adapter} at ${this.#url}, pid ${this.#servers.map(({ pid }) => pid).join(" ")}`;
  }

  get running(): boolean {
    return this.#servers.length > 0;
  }

  async open(): Promise<void> {
    await this.start();
    await this.#kind.join?.(this.#ports);
  }

  async start(): Promise<void> {
    if (this.running) return;
    this.#servers = await Promise.all(this.#ports.map((_, index) => this.#startServer(index)));
  }

  async kill(): Promise<void> {
    for (const server of this.#servers) server.signal("SIGKILL");
    await Promise.all(this.#servers.map(({ ended }) => ended));
    this.#servers = [];
  }

  async #startServer(index: number): Promise<Running> {
    const { port, otherPort } = this.#ports[index]!;
    const ready = Promise.withResolvers<void>();
    let output = "";
    const { args, shell } = this.#kind;
    const command = shell
      ? { program: "/bin/sh", args: shell(this.#path, port, otherPort) }
      : { program: this.#path, args: args(port, otherPort) };
    const server = this.#processes.start(
      { ...command, cwd: this.#folders[index]!, layer: 0 },
      {
        onLine: (line) => {
          output = `${output}\n${line}`.slice(-1_000);
          if (this.#kind.ready.test(line)) ready.resolve();
        },
        onEnd: (how) => {
          this.#servers = this.#servers.filter((one) => one !== server);
          ready.reject(new Error(`Cannot start ${this.#kind.program}: it ${how}: ${output}`));
        },
      },
    );
    await ready.promise;
    return server;
  }
}

const SLOTS = 16_384;

/** Does the same as `redis-cli --cluster create`, only for masters. */
async function joinRedisCluster(servers: readonly Ports[]): Promise<void> {
  const clients = servers.map(({ port }) => new Redis(port, "127.0.0.1", { retryStrategy: () => null }));
  try {
    for (const [i, client] of clients.entries()) {
      const [from, to] = [i, i + 1].map((n) => Math.floor(n * SLOTS / clients.length)) as [number, number];
      await client.call("CLUSTER", "SET-CONFIG-EPOCH", i + 1);
      await client.call("CLUSTER", "ADDSLOTSRANGE", from, to - 1);
      const { port, otherPort } = servers[0]!;
      if (i > 0) await client.call("CLUSTER", "MEET", "127.0.0.1", port, otherPort);
    }
    for (const client of clients) {
      while (!String(await client.call("CLUSTER", "INFO")).includes("cluster_state:ok")) {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  } finally {
    for (const client of clients) client.disconnect();
  }
}

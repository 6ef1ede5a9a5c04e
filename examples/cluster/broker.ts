/**
 * The broker that nodes meet at: the one that runs already, or one of our own.
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
  /** By what the nodes find it. */
  readonly env: Readonly<Record<string, string>>;
  /** What it is and where, for people. */
  readonly about: string;
  /** Whether it is our own; nobody else's is killed. */
  readonly own: boolean;
  /** Whether it runs, as far as we know. */
  readonly running: boolean;
  /** Kills it, if it is our own: nothing says goodbye. */
  kill(): Promise<void>;
  /** Starts it again where it was. */
  start(): Promise<void>;
  /** Takes a node, where nodes reach it by the pipe that they were started with. */
  join?(node: ChildProcess): void;
}

/** The ports of one server. */
interface Ports {
  readonly port: number;
  /** For those who need two. */
  readonly otherPort: number;
}

/** A kind of broker. */
interface Kind {
  /** The variable that names one that runs already. */
  readonly variable: string;
  readonly program: string;
  /** Finds its program, where it is not only on the PATH. */
  find?(): string | undefined;
  /** The package of its program, where that has another name. */
  readonly package?: string;
  /** What it prints when it serves. */
  readonly ready: RegExp;
  readonly scheme: string;
  /** What its addresses end with, if with anything. */
  readonly path?: string;
  /** Whether it has two addresses a server. */
  readonly twofold?: boolean;
  /** How many servers make one. */
  readonly servers: number;
  args(port: number, otherPort: number): string[];
  /** The arguments of `/bin/sh`, for one that has to be prepared. */
  shell?(path: string, port: number, otherPort: number): string[];
  /** Makes servers one broker, the first time. */
  join?(servers: readonly Ports[]): Promise<void>;
}

// Nothing is kept, and nobody from elsewhere gets in.
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
 * @param processes What runs it, and ends it.
 * @throws {Error} When there is none, with what to do about it.
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

/** One that somebody else runs, and goes on to run. */
function usedBroker(variable: string, url: string, adapter: string): Broker {
  const refuse = () =>
    Promise.reject(new Error(`The broker is the one that ${variable} names: it is not ours to end`));
  return {
    env: { [variable]: url },
    // Not the URL, which may hold a password.
    about: `${adapter}: the one that ${variable} names`,
    own: false,
    running: true,
    kill: refuse,
    start: refuse,
  };
}

/** One that was started here. */
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

/** What `redis-cli --cluster create` does, for masters alone. */
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

/**
 * A test's own RabbitMQ servers. Each has its own parts of Erlang for finding other servers, so that the system's RabbitMQ is not
 * changed.
 *
 * @module
 */

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import process from "node:process";
import { promisify } from "node:util";
import { freePort, onFreePort } from "./ports.ts";
import { type Broker, findServer, Program, toBroker } from "./program.ts";

/** Options of {@linkcode startRabbitMq}. */
export interface RabbitMqOptions {
  /** The path of `rabbitmq-server`; by default that in `RABBITMQ_SERVER`, or the one on the PATH. */
  readonly program?: string;
  /** More sections of its configuration, as Erlang terms: `"{vm_memory_high_watermark, 0.1}"`. */
  readonly config?: readonly string[];
  /** A server of the cluster that it joins. Stop that server last. */
  readonly join?: RabbitMqBroker;
}

/** A test's own RabbitMQ server. */
export interface RabbitMqBroker extends Broker {
  /** Its node name: `tests-12345@localhost`. */
  readonly node: string;
  /** The port of the Erlang port mapper on 127.0.0.1. */
  readonly epmdPort: number;
  /** Runs `rabbitmqctl` on it: `ctl("add_user", "alice", "secret")`. */
  ctl(...args: string[]): Promise<string>;
}

/** Debian's wrapper changes the user, which needs root. This is the program that it runs. */
const DEBIAN_FOLDER = "/usr/lib/rabbitmq/bin";

/** The start script; `$0` is the server's program. The server writes only to its own folder. */
const start = (env: Readonly<Record<string, string>>, config: string): string => `
cat > rabbitmq.config <<'END'
${config}
END
echo '[].' > plugins
export HOME="$PWD" RABBITMQ_CONF_ENV_FILE=/dev/null RABBITMQ_CONFIG_FILE="$PWD/rabbitmq.config"
export RABBITMQ_MNESIA_BASE="$PWD/mnesia" RABBITMQ_LOG_BASE="$PWD/log" RABBITMQ_PID_FILE="$PWD/rabbitmq.pid"
export RABBITMQ_ENABLED_PLUGINS_FILE="$PWD/plugins" RABBITMQ_FEATURE_FLAGS_FILE="$PWD/feature_flags"
export ${Object.entries(env).map(([name, value]) => `${name}='${value}'`).join(" ")}
printf trunkline > .erlang.cookie && chmod 600 .erlang.cookie
exec "$0"
`;

/** Finds a program of RabbitMQ: the real one, not Debian's wrapper. */
function programOf(name: string, program?: string): string | undefined {
  const own = `${DEBIAN_FOLDER}/${name}`;
  const found = program ?? findServer(name, name.toUpperCase().replace("-", "_"));
  return found?.startsWith("/usr/sbin/") && existsSync(own) ? own : found;
}

/**
 * Finds the server's program.
 *
 * @returns Its path, or `undefined` if there is none.
 */
export function findRabbitMq(): string | undefined {
  return programOf("rabbitmq-server");
}

/** The Erlang port mapper, which servers ask for the addresses of others. Tests start their own, and leave none behind. */
async function startEpmd(port: number): Promise<Program> {
  const program = findServer("epmd", "EPMD");
  if (!program) throw new Error("Cannot find epmd, which comes with Erlang");
  const args = ["-port", `${port}`, "-address", "127.0.0.1", "-d"];
  return await Program.start({ program, args, ready: /epmd running/i });
}

/**
 * Starts a RabbitMQ server, which takes about ten seconds.
 *
 * @param options The options.
 * @returns The server, when it serves.
 */
export async function startRabbitMq(options: RabbitMqOptions = {}): Promise<RabbitMqBroker> {
  const program = programOf("rabbitmq-server", options.program);
  if (!program) throw new Error("Cannot find rabbitmq-server: set RABBITMQ_SERVER to its path");
  const { join, config = [] } = options;
  const epmdPort = join?.epmdPort ?? await freePort();
  await using started = new AsyncDisposableStack();
  if (!join) started.use(await startEpmd(epmdPort));
  const env = { ERL_EPMD_PORT: `${epmdPort}`, ERL_EPMD_ADDRESS: "127.0.0.1" };
  const broker = await onFreePort(async (port) => {
    const node = `tests-${port}@localhost`;
    const script = start({
      ...env,
      RABBITMQ_NODENAME: node,
      RABBITMQ_DIST_PORT: `${await freePort()}`,
      // Then the process is Erlang itself, and can be killed and frozen.
      RABBITMQ_ALLOW_INPUT: "1",
      RABBITMQ_SERVER_START_ARGS: "-noinput",
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: "-kernel inet_dist_use_interface {127,0,0,1}",
    }, configOf(port, join ? [`{cluster_nodes, {['${join.node}'], disc}}`, ...config] : config));
    const server = await Program.start({
      program: "/bin/sh",
      args: ["-c", script, program],
      ready:
        /completed with \d+ plugins[\s\S]*Server startup complete|Server startup complete[\s\S]*completed with \d+ plugins/,
      timeoutMs: 90_000,
    });
    return Object.assign(toBroker(server, "amqp", port), { node });
  });
  const { node, stop: end } = broker;
  const rest = started.move();
  const stop = async () => {
    await end();
    await rest.disposeAsync();
  };
  return Object.assign(broker, {
    epmdPort,
    stop,
    [Symbol.asyncDispose]: stop,
    ctl: (...args: string[]) => ctl(node, env, args),
  });
}

function configOf(port: number, more: readonly string[]): string {
  const rabbit = [
    `{tcp_listeners, [{"127.0.0.1", ${port}}]}`,
    "{log, [{console, [{enabled, true}, {level, info}]}, {file, [{enabled, false}]}]}",
    "{disk_free_limit, 1000000}",
    ...more,
  ];
  return `[{rabbit, [${rabbit.join(", ")}]}].`;
}

async function ctl(
  node: string,
  env: Readonly<Record<string, string>>,
  args: readonly string[],
): Promise<string> {
  const program = programOf("rabbitmqctl");
  if (!program) throw new Error("Cannot find rabbitmqctl");
  const { stdout } = await promisify(execFile)(
    program,
    ["-n", node, "--erlang-cookie", "trunkline", "-q", ...args],
    { env: { ...process.env, ...env, RABBITMQ_CONF_ENV_FILE: "/dev/null", HOME: "/tmp" } },
  );
  return stdout;
}

/**
 * A test's own PostgreSQL servers.
 *
 * @module
 */

import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { rename } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { onFreePort } from "./ports.ts";
import { type Broker, findServer, Program, toBroker } from "./program.ts";
import { sendSignal } from "./signal.ts";
import { until } from "./until.ts";

/** Options of {@linkcode startPostgres}. */
export interface PostgresOptions {
  /** The port of 127.0.0.1; a free one by default. */
  readonly port?: number;
  /** More settings of its configuration: `{ max_connections: "5" }`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** The password for every login; none by default. */
  readonly password?: string;
  /** The certificate and its key, in PEM: with them it accepts TLS in addition to plain text. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /**
   * The encoding of its databases.
   *
   * @default {"UTF8"}
   */
  readonly encoding?: string;
  /**
   * Whether it is a standby, here of a primary that never comes: it answers, but refuses writes and `LISTEN`.
   *
   * @default {false}
   */
  readonly standby?: boolean;
  /** The path of `postgres`, or of a program that runs it; by default that in `POSTGRES_SERVER`, on the PATH or in Debian's folders. */
  readonly program?: string;
}

/** Tests need no durable data, so the server does not wait for the disk. */
const SETTINGS = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  fsync: "off",
  full_page_writes: "off",
  autovacuum: "off",
  max_connections: "200",
  shared_buffers: "16MB",
};

/** Debian's folder of PostgreSQL, outside of the PATH. It has a folder for each version. */
const DEBIAN_FOLDER = "/usr/lib/postgresql";

/**
 * Creates the data folder if there is none, and then becomes the server. `$0` is the folder of the programs, `$1` the encoding.
 * The folder of spare data folders and the options are in the environment of this process.
 *
 * Creating a data folder takes seconds, and even a copy takes a second. So data folders of stopped servers are used again. A
 * server that moves a folder away is its only user.
 */
const SERVE = `
if [ ! -d data ]; then
  for spare in "$TL_SPARES/$1-"*; do mv -T "$spare" data 2>/dev/null && break; done
fi
if [ ! -d data ]; then
  "$0/initdb" -D data -U postgres -E "$1" --locale=C --no-sync --no-instructions --wal-segsize=1 -A trust || exit 1
fi
rm -f data/standby.signal
[ -z "$TL_STANDBY" ] || touch data/standby.signal
method=trust
if [ -n "$TL_PASSWORD" ]; then
  method=scram-sha-256
  echo "ALTER USER postgres PASSWORD '$TL_PASSWORD'" | "$0/postgres" --single -D data postgres || exit 1
fi
printf '%s\\n' "host all all all $method" "local all all $method" > data/pg_hba.conf
if [ -n "$TL_KEY" ]; then
  printf %s "$TL_CERT" > data/server.crt && (umask 077 && printf %s "$TL_KEY" > data/server.key)
fi
shift
exec "$TL_SERVER" -D data "$@"
`;

/** PostgreSQL refuses to run as root, so root becomes another user: that of its package, or "nobody". */
const AS_SOMEBODY_ELSE = `
user=postgres; id -u $user >/dev/null 2>&1 || user=nobody
mkdir -p server "$TL_SPARES" && chown $user server "$TL_SPARES" && chmod go+x .. . && cd server && \
exec setpriv --reuid=$user --regid="$(id -g $user)" --clear-groups "$@"
`;

const AS_I_AM = `mkdir -p server "$TL_SPARES" && cd server && exec "$@"`;

/**
 * Finds the program of the server.
 *
 * @returns Its path, or `undefined` if there is none.
 */
export function findPostgres(): string | undefined {
  const found = findServer("postgres", "POSTGRES_SERVER");
  if (found || !existsSync(DEBIAN_FOLDER)) return found;
  const versions = readdirSync(DEBIAN_FOLDER).sort((a, b) => Number(b) - Number(a));
  return versions.map((version) => join(DEBIAN_FOLDER, version, "bin", "postgres")).find(existsSync);
}

/**
 * Starts a PostgreSQL server with an empty database.
 *
 * @param options The options.
 * @returns The server, when it serves.
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<Broker> {
  const program = options.program ?? findPostgres();
  if (!program) throw new Error("Cannot find postgres: set POSTGRES_SERVER to its path");
  const folder = [program, findPostgres()].map((path) => path && dirname(realpathSync(path)))
    .find((folder) => folder && existsSync(join(folder, "initdb")));
  if (!folder) throw new Error("Cannot find initdb beside postgres");
  const { tls, password = "", encoding = "UTF8" } = options;
  const settings = { ...SETTINGS, ...(tls ? { ssl: "on" } : {}), ...options.settings };
  const spares = join(tmpdir(), "trunkline-postgres");
  const start = async (port: number) => {
    const args = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
    const serve = ["sh", "-c", SERVE, folder, encoding, "-p", String(port), ...args];
    const first = process.getuid?.() === 0 ? AS_SOMEBODY_ELSE : AS_I_AM;
    const command = ["sh", "-c", first, "sh", ...serve];
    const values = {
      TL_SPARES: spares,
      TL_SERVER: program,
      TL_STANDBY: options.standby ? "yes" : "",
      TL_PASSWORD: password,
      TL_CERT: tls?.cert ?? "",
      TL_KEY: tls?.key ?? "",
    };
    const env = Object.entries(values).map(([name, value]) => `${name}=${value}`);
    return toServer(
      await Program.start({
        program: "/usr/bin/env",
        args: [...env, ...command],
        ready: /database system is ready to accept (read-only )?connections/,
      }),
      port,
      join(spares, `${encoding}-${crypto.randomUUID()}`),
    );
  };
  return await (options.port === undefined ? onFreePort(start) : start(options.port));
}

/** A server consists of several processes: each connection has one. */
function toServer(program: Program, port: number, spare: string): Broker {
  const broker = toBroker(program, "postgres", port);
  const signal = (name: NodeJS.Signals) => {
    for (const pid of [program.pid, ...childrenOf(program.pid)]) if (pid !== undefined) send(pid, name);
  };
  const kill = async () => {
    const children = childrenOf(program.pid);
    signal("SIGKILL");
    await program.kill();
    // The shared memory is free again when the last process is gone.
    await until(() => Promise.resolve(!children.some(lives)), "the server's processes to be gone");
  };
  const stop = async () => {
    if (program.running && program.pid !== undefined) {
      // A kill would leave a piece of shared memory behind.
      send(program.pid, "SIGQUIT");
      await until(() => Promise.resolve(program.pid === undefined), "the server to end", 5_000).catch(
        () => {},
      );
    }
    if (program.pid !== undefined) await kill();
    await rename(join(program.folder, "server", "data"), spare).catch(() => {}); // stopped before, or never started
    await program.stop();
  };
  return {
    url: `${broker.url.replace("//", "//postgres@")}/postgres`,
    host: broker.host,
    port,
    get running() {
      return program.running;
    },
    kill,
    end: () => program.end("SIGINT"), // with other signals it would wait until its clients leave
    start: () => program.start(),
    pause() {
      program.pause(); // the main process first, so that it creates no more processes
      signal("SIGSTOP");
    },
    resume() {
      signal("SIGCONT");
      program.resume();
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function childrenOf(pid: number | undefined): number[] {
  if (pid === undefined) return [];
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean).map(
      Number,
    );
  } catch {
    return []; // it has just ended, or this system is not Linux
  }
}

function lives(pid: number): boolean {
  try {
    // A zombie process still exists, but holds no resources.
    return !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
  } catch {
    return false;
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    sendSignal(pid, signal);
  } catch (error) {
    if (lives(pid)) throw error;
  }
}

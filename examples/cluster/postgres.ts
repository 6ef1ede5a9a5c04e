/**
 * Starts a PostgreSQL beside the system's own: with its own data folder, and not as root.
 *
 * @module
 */

import { existsSync, readdirSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { findProgram } from "./processes.ts";

/**
 * `$0` is the folder of its programs, `$1` its port. A killed server leaves processes that end a moment later. Until then the
 * next server does not start. PostgreSQL refuses to run as root.
 */
const SCRIPT = `
[ -f server/data/postmaster.pid ] && sleep 1
mkdir -p server && chmod go+x . && cd server
run=
if [ "$(id -u)" = 0 ]; then
  user=postgres; id -u $user > /dev/null 2>&1 || user=nobody
  chown $user . && run="setpriv --reuid=$user --regid=$(id -g $user) --clear-groups"
fi
[ -d data ] || $run "$0/initdb" -D data -U postgres -E UTF8 --locale=C --no-sync -A trust > /dev/null || exit 1
exec $run "$0/postgres" -D data -p "$1" -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off
`;

/** Debian's folder of PostgreSQL, outside of the PATH. It has a folder for each version. */
const DEBIAN = "/usr/lib/postgresql";

/** The path of `postgres`, if there is one. */
export function findPostgres(): string | undefined {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a)) : [];
  const known = versions.map((version) => join(DEBIAN, version, "bin", "postgres"));
  return findProgram("postgres") ?? known.find((path) => existsSync(path));
}

/**
 * The arguments of `/bin/sh` that start a server.
 *
 * @param path The path of `postgres`.
 * @param port The port to listen to.
 */
export function postgresArgs(path: string, port: number): string[] {
  return ["-c", SCRIPT, dirname(realpathSync(path)), `${port}`];
}

/**
 * Connects with Postgres.js (the package `postgres`), version 3.
 *
 * @module
 */

import type { Options } from "postgres";
import { loadLibrary } from "../kit/library.ts";
import { APPLICATION_NAME, type Row } from "./connection.ts";
import type { Library } from "./library.ts";

/** The library interface for Postgres.js. */
export const postgresJs: Library = async (socket, login, { onNotification }) => {
  const { default: postgres } = await loadLibrary(
    "postgres",
    'choose the connector "pg"',
    () => import("postgres"),
  );
  let given = false;
  const options = {
    host: login.host,
    port: login.port,
    database: login.database,
    user: login.user,
    password: login.password ?? "",
    max: 1,
    // The client lives as long as its socket, and never gets another one.
    socket: () => {
      if (given) throw new Error("the connection was closed");
      given = true;
      return socket;
    },
    ssl: false,
    connect_timeout: 0,
    idle_timeout: 0,
    max_lifetime: null,
    fetch_types: false,
    prepare: true,
    connection: { application_name: APPLICATION_NAME, ...login.startup },
    onnotice() {},
    onnotify: onNotification,
  };
  // The types of Postgres.js do not have the `socket` option.
  const sql = postgres(options as unknown as Options<Record<string, never>>);
  const speaker = {
    run: (commands: string) => sql.unsafe(commands).simple(),
    ask: async (statement: string, parameters: readonly string[]) =>
      await sql.unsafe(statement, [...parameters], { prepare: true }) as unknown as readonly Row[],
  };
  await speaker.run("SELECT 1"); // it logs in with its first statement
  return speaker;
};

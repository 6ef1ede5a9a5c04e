/**
 * Connects with node-postgres (the package `pg`), version 8.
 *
 * @module
 */

import type { Socket } from "node:net";
import { loadLibrary } from "../kit/library.ts";
import { APPLICATION_NAME, type Row } from "./connection.ts";
import type { Library } from "./library.ts";

/** The part of a client that the adapter uses. */
export interface PgClient {
  on(event: string, listener: (...args: never[]) => void): unknown;
  connect(): Promise<unknown>;
  query(query: string | PgQuery): Promise<{ readonly rows: readonly Row[] }>;
}

interface PgQuery {
  readonly name: string;
  readonly text: string;
  readonly values: readonly string[];
}

/** The class of a client. */
export type PgClientClass = new (options: Readonly<Record<string, unknown>>) => PgClient;

interface Notification {
  readonly channel: string;
  readonly payload?: string;
}

/**
 * Creates the library interface for node-postgres.
 *
 * @param given The class of the user's client. Without it, the library is loaded.
 */
export function pg(given?: PgClientClass): Library {
  return async (socket, { startup, ...login }, { onNotification, onFatal }) => {
    const Client = given ?? await load();
    const client = new Client({
      ...login,
      ssl: false,
      application_name: APPLICATION_NAME,
      ...startup,
      stream: connected(socket),
    });
    client.on("error", (error: Error) => onFatal(error));
    client.on("notification", ({ channel, payload }: Notification) => onNotification(channel, payload ?? ""));
    await client.connect();
    const names = new Map<string, string>();
    return {
      run: (commands) => client.query(commands),
      async ask(text, values) {
        let name = names.get(text);
        if (name === undefined) names.set(text, name = `trunkline_${names.size}`);
        return (await client.query({ name, text, values })).rows;
      },
    };
  };
}

async function load(): Promise<PgClientClass> {
  const { default: { Client } } = await loadLibrary(
    "pg",
    'choose the connector "postgres"',
    () => import("pg"),
  );
  return Client as unknown as PgClientClass;
}

/** A client calls `connect` on its socket, but this socket is connected already. */
function connected(socket: Socket): Socket {
  socket.connect = () => {
    queueMicrotask(() => socket.emit("connect"));
    return socket;
  };
  return socket;
}

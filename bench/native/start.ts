/**
 * Starts a program on the server's processor, and tells its memory and processor time as the other servers do.
 *
 * @module
 */

import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { onFreePort } from "../../tools/brokers/ports.ts";
import { Program } from "../../tools/brokers/program.ts";
import { canPin } from "../runtimes.ts";
import { type ProgramName, programs } from "./programs.ts";
import { usageOf } from "./usage.ts";

/** A server that runs. */
export interface RunningServer {
  /** Its port for WebSockets. */
  readonly port: number;
  /** The port that answers `/stats`. */
  readonly statsPort: number;
  /** Ends it. */
  stop(): Promise<void>;
}

/**
 * Tells why a program cannot run here.
 *
 * @param name The program.
 * @returns What is missing; `undefined` if it can run.
 */
export function missingFor(name: ProgramName): string | undefined {
  if (process.platform !== "linux") return "Linux, to measure its processor time";
  return programs[name].find() === undefined ? programs[name].needs : undefined;
}

/**
 * Starts a program.
 *
 * @param name The program.
 * @returns The running program. Rejects if something is missing.
 */
export async function startNative(name: ProgramName): Promise<RunningServer> {
  const { needs, find, prepare } = programs[name];
  const path = find();
  if (!path) throw new Error(`Cannot start ${name}: install ${needs}`);
  const folder = await mkdtemp(join(tmpdir(), "trunkline-bench-"));
  const removeFolder = () => rm(folder, { recursive: true, force: true });
  try {
    const pinned = await canPin();
    const { port, running } = await onFreePort(async (port) => {
      const { program, args, ready, config } = await prepare(path, port, folder);
      if (config !== undefined) await writeFile(join(folder, "config"), config);
      const command = pinned
        ? { program: "taskset", args: ["-c", "0", program, ...args] }
        : { program, args };
      return { port, running: await Program.start({ ...command, ready }) };
    });
    const stats = await serveStats(running);
    return {
      port,
      statsPort: stats.port,
      async stop() {
        await running.stop();
        await Promise.all([stats.close(), removeFolder()]);
      },
    };
  } catch (error) {
    await removeFolder();
    throw error;
  }
}

/** Answers every request with the usage of a program. */
async function serveStats(running: Program) {
  const server = createServer(async (_request, response) => {
    const usage = await usageOf(running.pid!);
    response.writeHead(200, { "content-type": "application/json", "connection": "close" });
    response.end(JSON.stringify(usage));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

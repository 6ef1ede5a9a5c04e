/**
 * A test's own ZeroMQ proxies, in processes of Deno, because only Deno runs them.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { freePort } from "./ports.ts";
import { type Broker, Program } from "./program.ts";

/** A proxy. Its `url` has both addresses, separated by a comma. Its port is that of the front. */
export interface ZeroMqBroker extends Broker {
  /** The port at which nodes receive messages. */
  readonly backPort: number;
}

const COMMAND = fileURLToPath(new URL("../../adapters/zeromq/proxy/command.ts", import.meta.url));

/**
 * Starts a proxy.
 *
 * @param options The path of `deno`, and more variables of its environment.
 * @returns The proxy, when it listens.
 */
export async function startZeroMqProxy(
  options: { readonly program: string; readonly env?: Readonly<Record<string, string>> },
): Promise<ZeroMqBroker> {
  const [port, backPort] = [await freePort(), await freePort()];
  const [front, back] = [port, backPort].map((port) => `tcp://127.0.0.1:${port}`);
  const env = Object.entries(options.env ?? {}).map(([name, value]) => `${name}=${value}`);
  const run = [options.program, "run", "--allow-all", "--no-check", "--quiet", COMMAND];
  const args = [...env, ...run, "--front", front!, "--back", back!];
  const program = await Program.start({ program: "/usr/bin/env", args, ready: /Proxy listens/ });
  return {
    url: `${front},${back}`,
    host: "127.0.0.1",
    port,
    backPort,
    get running() {
      return program.running;
    },
    kill: () => program.kill(),
    end: () => program.end(),
    start: () => program.start(),
    pause: () => program.pause(),
    resume: () => program.resume(),
    stop: () => program.stop(),
    [Symbol.asyncDispose]: () => program.stop(),
  };
}

/**
 * Proxies of ZeroMQ of a test's own: processes of Deno, as it takes them.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { freePort } from "./ports.ts";
import { type Broker, Program } from "./program.ts";

/** A proxy. Its `url` has both addresses, separated by a comma; its port is that of the front. */
export interface ZeroMqBroker extends Broker {
  /** The port where nodes get what they subscribe to. */
  readonly backPort: number;
}

const COMMAND = fileURLToPath(new URL("../../adapters/zeromq/proxy/command.ts", import.meta.url));

/**
 * Starts a proxy.
 *
 * @param options What it is run with: the path of `deno`, and more of its environment.
 * @returns The proxy, once it listens.
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

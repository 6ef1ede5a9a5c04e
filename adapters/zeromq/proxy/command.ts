/**
 * A command that runs a ZeroMQ proxy until the process is asked to stop:
 *
 * ```sh
 * deno run --allow-all jsr:@trunkline/hub/adapters/zeromq-proxy --front tcp://10.0.0.5:5550 --back tcp://10.0.0.5:5551
 * ```
 *
 * CURVE keys come from environment variables, because other users can see command lines: `ZEROMQ_PUBLIC_KEY`,
 * `ZEROMQ_SECRET_KEY`, and `ZEROMQ_ALLOW` with the allowed public keys, separated by spaces. `--curve none` states that
 * no keys are wanted.
 *
 * @module
 */

import process from "node:process";
import { parseArgs } from "node:util";
import { createZeroMqProxy, type ZeroMqProxyOptions } from "./proxy.ts";

const USAGE =
  "Usage: --front tcp://HOST:PORT --back tcp://HOST:PORT [--curve none] [--high-water-mark COUNT]";

/** Reads the command line and the environment. */
function readOptions(args: readonly string[], env: NodeJS.ProcessEnv): ZeroMqProxyOptions {
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    args: [...args],
    options: { front: text, back: text, curve: text, "high-water-mark": text },
  });
  const { front, back, curve } = values;
  if (front === undefined || back === undefined) throw new TypeError(USAGE);
  const { ZEROMQ_PUBLIC_KEY: publicKey, ZEROMQ_SECRET_KEY: secretKey, ZEROMQ_ALLOW: allow } = env;
  if (curve !== undefined && curve !== "none") {
    throw new TypeError(`Cannot use --curve ${curve}: write --curve none, or leave it out`);
  }
  const given = Object.entries({
    ZEROMQ_PUBLIC_KEY: publicKey,
    ZEROMQ_SECRET_KEY: secretKey,
    ZEROMQ_ALLOW: allow,
  })
    .filter(([, value]) => value).map(([name]) => name);
  if (curve === "none" && given.length > 0) {
    throw new TypeError(
      `Cannot use --curve none together with ${given.join(" and ")}: remove one of them`,
    );
  }
  if (given.length > 0 && !(publicKey && secretKey)) {
    throw new TypeError(
      `Cannot use ${
        given.join(" and ")
      } alone: set both ZEROMQ_PUBLIC_KEY and ZEROMQ_SECRET_KEY, or the proxy would accept every node`,
    );
  }
  const mark = values["high-water-mark"];
  return {
    front,
    back,
    ...(publicKey && secretKey
      ? { curve: { publicKey, secretKey, allow: allow ? allow.split(/[\s,]+/).filter(Boolean) : undefined } }
      : { curve: curve === "none" ? "none" : undefined }),
    ...(mark === undefined ? {} : { highWaterMark: Number(mark) }),
    onRefused: (address) => console.error(`Refused ${address}: its key is not in ZEROMQ_ALLOW`),
  };
}

async function main(): Promise<void> {
  const proxy = await createZeroMqProxy(readOptions(process.argv.slice(2), process.env));
  console.log(`Proxy listens: front ${proxy.front}, back ${proxy.back}`);
  const end = () => void proxy.close().then(() => process.exit(0));
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, end);
}

if (import.meta.main) {
  main().catch((error: Error) => {
    console.error(error.message);
    process.exit(1);
  });
}

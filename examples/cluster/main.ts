/**
 * `deno task cluster`: hubs in their own processes behind a reverse proxy, and clients that connect through it.
 *
 * @module
 */

import process, { argv } from "node:process";
import { Cluster } from "./cluster.ts";
import { type ClusterOptions, HELP, readOptions, UsageError } from "./options.ts";
import { onKeys, print } from "./terminal.ts";

const KEYS = `
  1 to 9   kill a node, as in a crash, and see its clients move; press again to start it
  b        kill the broker, and see each node go on alone; again: start it
  Ctrl+C   end everything
`;

/** After so many milliseconds, a signal counts as a second Ctrl+C. */
const AGAIN_MS = 500;

/** Runs the cluster until a signal ends it. */
async function run(options: ClusterOptions): Promise<void> {
  const cluster = new Cluster(options);
  const ending = Promise.withResolvers<void>();
  let askedAt: number | undefined;
  const onSignal = () => {
    askedAt ??= performance.now();
    // A second Ctrl+C ends at once. A signal that follows immediately belongs to the first one.
    if (performance.now() - askedAt > AGAIN_MS) process.exit(130);
    ending.resolve();
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, onSignal);

  const complain = (error: Error) => print("cluster", error.message);
  const releaseKeys = onKeys((key) => {
    if (key === "b") cluster.toggleBroker().catch(complain);
    else if (/[1-9]/.test(key)) cluster.toggleNode(Number(key)).catch(complain);
  });
  try {
    const opening = cluster.open().then(() => console.log(KEYS));
    opening.catch(() => {}); // the user has ended the start: this is no error
    await Promise.race([opening.then(() => ending.promise), ending.promise]);
    print("cluster", "ending");
  } finally {
    releaseKeys();
    await cluster.close();
  }
}

let code = 0;
try {
  const options = readOptions(argv.slice(2));
  if (options === "help") console.log(HELP);
  else await run(options);
} catch (error) {
  console.error(error instanceof UsageError ? `${error.message}\n\n${HELP}` : (error as Error).message);
  code = 1;
}
process.exit(code);

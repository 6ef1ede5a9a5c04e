/**
 * Ends child processes with this one.
 *
 * @module
 */

import process from "node:process";

/**
 * Ends a child when this process exits, for example after a signal.
 *
 * @param child The child.
 * @param gone Resolves when the child has ended by itself.
 */
export function endWithThis(child: { kill(signal: "SIGKILL"): unknown }, gone: Promise<unknown>): void {
  const end = () => {
    try {
      child.kill("SIGKILL");
    } catch {
      // it ended in this moment
    }
  };
  process.on("exit", end);
  void gone.finally(() => process.off("exit", end));
}

// The processes of the nodes: started, killed, stopped.
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("node.ts", import.meta.url));

/** A node. */
export interface Node {
  readonly pid: number;
  /** The address for clients. */
  readonly url: string;
  /** Kills it, as in a crash: it sends no goodbye. */
  kill(): void;
  /** Lets it say goodbye and end. */
  stop(): void;
}

/**
 * Starts a node.
 *
 * @returns The node, when it serves.
 * @throws {Error} If it ends before that. It has printed why.
 */
export function startNode(): Promise<Node> {
  const args = "Deno" in globalThis
    ? ["run", "--allow-net", "--allow-env", "--allow-sys", PROGRAM]
    : [PROGRAM];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  return new Promise((resolve, reject) => {
    child.on(
      "exit",
      (code) => reject(new Error(`Cannot start a node: it ended with code ${code}. Is Redis running?`)),
    );
    createInterface({ input: child.stdout! }).on("line", (line) => {
      console.log(line);
      const [url] = line.match(/ws:\S+/) ?? [];
      if (url) resolve(toNode(child, url));
    });
  });
}

function toNode(child: ChildProcess, url: string): Node {
  const pid = child.pid!;
  return { pid, url, kill: () => process.kill(pid, "SIGKILL"), stop: () => process.kill(pid, "SIGTERM") };
}

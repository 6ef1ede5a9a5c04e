/**
 * What is seen in the terminal: lines of many processes, each behind the name of its own; and the keys that are pressed.
 *
 * @module
 */

import process, { env, stdin, stdout } from "node:process";

const COLOURS = [36, 33, 35, 32, 34, 91, 96, 93, 95];
const GREY = 90;
const NAME_WIDTH = 7;
const CTRL_C = "\x03";

/**
 * Prints a line of a process.
 *
 * @param name The process.
 * @param line What it said.
 * @param colour A number for those that are to stand out; each has its colour.
 */
export function print(name: string, line: string, colour?: number): void {
  const head = `${name.padEnd(NAME_WIDTH)} | `;
  if (!stdout.isTTY || env.NO_COLOR) return console.log(head + line);
  const code = colour === undefined ? GREY : COLOURS[colour % COLOURS.length];
  console.log(
    colour === undefined ? `\x1b[${code}m${head}${line}\x1b[0m` : `\x1b[${code}m${head}\x1b[0m${line}`,
  );
}

/**
 * Listens to keys, where there is somebody to press them.
 *
 * @param onKey Told of each one. Ctrl+C is a signal, as ever.
 * @returns Gives the terminal back.
 */
export function onKeys(onKey: (key: string) => void): () => void {
  if (!stdin.isTTY) return () => {};
  const listener = (data: Uint8Array) => {
    for (const key of new TextDecoder().decode(data)) {
      if (key === CTRL_C) process.kill(process.pid, "SIGINT");
      else onKey(key);
    }
  };
  stdin.setRawMode(true);
  stdin.on("data", listener);
  return () => {
    stdin.off("data", listener);
    stdin.setRawMode(false);
    stdin.pause();
  };
}

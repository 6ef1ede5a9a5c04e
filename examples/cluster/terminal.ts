/**
 * The terminal: shows the lines of all processes, each behind the name of its process, and reads keys.
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
 * @param line The line.
 * @param colour A number for a process whose lines have a colour; each number has its own.
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
 * Listens to keys, if the input is a terminal.
 *
 * @param onKey Called with each key. Ctrl+C stays a signal.
 * @returns A function that restores the terminal.
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

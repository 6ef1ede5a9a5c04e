/**
 * Sends commands to brokers without their libraries, because tests test these libraries.
 *
 * @module
 */

import { connect } from "node:net";

/** How long a server may take to answer, in milliseconds. */
const ANSWER_MS = 5_000;

/** An answer of Redis. */
export type RedisReply = string | number | null | readonly RedisReply[];

/**
 * Reads the greeting of a server.
 *
 * @param port Its port of 127.0.0.1.
 * @returns The line.
 */
export function firstLine(port: number): Promise<string> {
  return converse(port, "", (text) => {
    const end = text.indexOf("\r\n");
    return end < 0 ? undefined : text.slice(0, end);
  });
}

/**
 * Sends one command to a Redis server, on a new connection.
 *
 * @param port Its port of 127.0.0.1.
 * @param command The command and its arguments.
 * @returns The answer. Rejects if it is an error.
 */
export async function redisCommand(port: number, ...command: readonly string[]): Promise<RedisReply> {
  const parts = command.map((part) => `$${new TextEncoder().encode(part).length}\r\n${part}\r\n`);
  const reply = await converse(port, `*${command.length}\r\n${parts.join("")}`, readReply);
  if (reply.value instanceof Error) throw new Error(`${command.join(" ")}: ${reply.value.message}`);
  return reply.value;
}

/** Connects, sends, and reads until `read` returns a value. */
function converse<T>(port: number, question: string, read: (text: string) => T | undefined): Promise<T> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    // One character per byte, so that lengths match the protocol.
    let text = "";
    let outcome: (() => void) | undefined;
    const settle = (how: () => void) => {
      outcome ??= how;
      clearTimeout(timer);
      socket.destroy();
    };
    const timer = setTimeout(
      () => settle(() => reject(new Error(`127.0.0.1:${port} does not answer`))),
      ANSWER_MS,
    );
    socket.on("data", (data) => {
      text += data.toString("latin1");
      const found = read(text);
      if (found !== undefined) settle(() => resolve(found));
    });
    socket.on("error", (error) => settle(() => reject(error)));
    socket.on("end", () => settle(() => reject(new Error(`127.0.0.1:${port} closed the connection`))));
    // Wait until the socket is closed, so that it does not outlive the answer.
    socket.on("close", () => outcome?.());
    if (question) socket.write(question);
  });
}

/** A value, and the position in the text after it. */
interface Parsed {
  readonly value: RedisReply | Error;
  readonly end: number;
}

/** Reads one value of RESP 2; `undefined` while it is not complete. */
function readReply(text: string, start = 0): Parsed | undefined {
  const lineEnd = text.indexOf("\r\n", start);
  if (lineEnd < 0) return undefined;
  const line = text.slice(start + 1, lineEnd);
  const end = lineEnd + 2;
  switch (text[start]) {
    case "+":
      return { value: line, end };
    case "-":
      return { value: new Error(line), end };
    case ":":
      return { value: Number(line), end };
    case "$": {
      const length = Number(line);
      if (length < 0) return { value: null, end };
      if (text.length < end + length + 2) return undefined;
      return { value: text.slice(end, end + length), end: end + length + 2 };
    }
    case "*": {
      const values: RedisReply[] = [];
      let at = end;
      for (let i = 0; i < Number(line); i++) {
        const part = readReply(text, at);
        if (!part || part.value instanceof Error) return part;
        values.push(part.value);
        at = part.end;
      }
      return { value: values, end: at };
    }
    default:
      throw new Error(`Cannot read an answer of Redis that starts with ${JSON.stringify(line)}`);
  }
}

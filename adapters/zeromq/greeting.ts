/**
 * The greeting of ZMTP (RFC 23), with which each connection between two nodes begins. It names the mechanism that the
 * other side demands: `NULL` or `CURVE`. The library closes a connection whose mechanism differs, and does not say why;
 * sometimes it does not even notice that the connection is closed.
 *
 * @module
 */

import type { Socket } from "node:net";
import type { Security } from "./curve.ts";
import { ConnectError } from "./errors.ts";

/** The bytes before the mechanism: a signature, and the version. The library answers them with its whole greeting. */
const START = Uint8Array.of(0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3);
/** Where the mechanism begins, and its largest length. */
const MECHANISM_AT = 12;
const MECHANISM_BYTES = 20;
/** The mechanisms of ZeroMQ that this adapter does not have. */
const OTHERS: ReadonlySet<string> = new Set(["PLAIN", "GSSAPI"]);

/**
 * Reads the greeting of the other side, and compares its mechanism with that of this node.
 *
 * @param socket A new connection. The caller closes it.
 * @param security The security options of this node.
 * @returns Rejects with a {@linkcode ConnectError} if the two cannot talk to each other.
 */
export async function checkGreeting(socket: Socket, { keys }: Security): Promise<void> {
  const theirs = await readMechanism(socket);
  const ours = keys ? "CURVE" : "NULL";
  if (theirs === ours) return;
  if (theirs === "CURVE") {
    throw new ConnectError(
      "refused",
      "it accepts only connections with curve: set curve, with a key that it allows",
    );
  }
  if (theirs === "NULL") {
    throw new ConnectError(
      "refused",
      "it has no curve, and this node has: set curve on all nodes or on none",
    );
  }
  if (theirs !== undefined && OTHERS.has(theirs)) {
    throw new ConnectError("refused", `it demands ${theirs}, and this adapter has only curve`);
  }
  throw new ConnectError("answered", "the program that listens there does not speak ZeroMQ");
}

/** Returns the mechanism, or `undefined` if the other side does not speak ZMTP. */
async function readMechanism(socket: Socket): Promise<string | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<string | undefined>();
  const greeting = new Uint8Array(MECHANISM_AT + MECHANISM_BYTES);
  let length = 0;
  socket.on("data", (bytes: Uint8Array) => {
    const part = bytes.subarray(0, greeting.length - length);
    greeting.set(part, length);
    length += part.length;
    if (greeting[0] !== START[0] || length >= 10 && (greeting[9]! & 1) === 0) resolve(undefined);
    else if (length === greeting.length) resolve(textOf(greeting.subarray(MECHANISM_AT)));
  });
  const closed = () => reject(new ConnectError("answered", "it closed the connection before its greeting"));
  socket.once("end", closed);
  socket.once("close", closed);
  socket.write(START);
  return await promise;
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder("latin1").decode(bytes).replace(/\0+$/, "");
}

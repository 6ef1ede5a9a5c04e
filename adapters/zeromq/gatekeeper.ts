/**
 * Decides which keys may connect, with ZAP (RFC 27). The library asks before it reads the first message of a
 * connection.
 *
 * @module
 */

import { type Security, toZ85 } from "./curve.ts";
import type { Context, Reply, ZeroMq } from "./library.ts";
import type { Pump } from "./pump.ts";

/** The address in a context at which the library asks. */
const ENDPOINT = "inproc://zeromq.zap.01";

/** How often refused connections are reported at most, in milliseconds. */
const TELL_EVERY_MS = 1_000;

/**
 * The context for sockets that listen. With keys it is a new one, because each context has only one ZAP handler.
 * Without keys it is the library's default context. The library frees the threads and descriptors of a context only
 * when the process ends.
 *
 * @param zmq The library.
 * @param security The security options of the sockets.
 */
export function contextOf(zmq: ZeroMq, { keys }: Security): Context {
  return keys ? new zmq.Context({ blocky: false }) : zmq.context;
}

/** The ZAP handler of one context. */
export class Gatekeeper {
  readonly #socket: Reply;
  readonly #allow: ReadonlySet<string>;
  readonly #onRefused: (address: string) => void;
  #toldAt = -Infinity;

  /**
   * Starts the handler.
   *
   * @param zmq The library.
   * @param context The context of the guarded sockets.
   * @param pump Reads the handler's socket.
   * @param allow The public keys that may connect.
   * @param onRefused Called with the address of a refused connection, at most once a second.
   */
  static async start(
    zmq: ZeroMq,
    context: Context,
    pump: Pump,
    allow: readonly string[],
    onRefused: (address: string) => void,
  ): Promise<Gatekeeper> {
    const socket = new zmq.Reply({ context, linger: 0, sendTimeout: 0, receiveTimeout: 0 });
    const keeper = new Gatekeeper(socket, new Set(allow), onRefused);
    await socket.bind(ENDPOINT);
    pump.add(socket, { onMessage: (frames) => keeper.#answer(frames) });
    return keeper;
  }

  private constructor(socket: Reply, allow: ReadonlySet<string>, onRefused: (address: string) => void) {
    this.#socket = socket;
    this.#allow = allow;
    this.#onRefused = onRefused;
  }

  /** Stops the handler. After that no new connection is accepted. */
  close(): void {
    this.#socket.close();
  }

  #answer([version, request, , address, , mechanism, key]: readonly Uint8Array[]): void {
    const known = toText(mechanism) === "CURVE" && key?.length === 32 && this.#allow.has(toZ85(key));
    const answer = known ? ["200", "OK"] : ["400", "this key is not on the list"];
    this.#socket.send([version!, request ?? "", ...answer, "", ""]).catch(() => {}); // fails if the library no longer waits
    const now = performance.now();
    if (known || now - this.#toldAt < TELL_EVERY_MS) return;
    this.#toldAt = now;
    this.#onRefused(toText(address));
  }
}

function toText(bytes: Uint8Array | undefined): string {
  return new TextDecoder().decode(bytes);
}

/**
 * Says which keys are let in, as ZAP (RFC 27) asks it: before a stranger's first message is read.
 *
 * @module
 */

import { type Security, toZ85 } from "./curve.ts";
import type { Context, Reply, ZeroMq } from "./library.ts";
import type { Pump } from "./pump.ts";

/** Where the library asks, within a context. */
const ENDPOINT = "inproc://zeromq.zap.01";

/** Strangers who try are told at the most so often, in milliseconds. */
const TELL_EVERY_MS = 1_000;

/**
 * Where sockets belong that listen: in a context of their own if somebody answers for keys, as only one can in each. Else all share
 * the one that the library has anyway: what belongs to a context, threads and descriptors, the library keeps until the process
 * ends.
 *
 * @param zmq The library.
 * @param security What the sockets are made with.
 */
export function contextOf(zmq: ZeroMq, { keys }: Security): Context {
  return keys ? new zmq.Context({ blocky: false }) : zmq.context;
}

/** Answers for one context. */
export class Gatekeeper {
  readonly #socket: Reply;
  readonly #allow: ReadonlySet<string>;
  readonly #onRefused: (address: string) => void;
  #toldAt = -Infinity;

  /**
   * Begins to answer.
   *
   * @param zmq The library.
   * @param context The context whose sockets it guards.
   * @param pump What reads its socket.
   * @param allow The public keys that are let in.
   * @param onRefused Hears where one is that is not, once a second at the most.
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

  /** Ends: nobody new is let in any more. */
  close(): void {
    this.#socket.close();
  }

  #answer([version, request, , address, , mechanism, key]: readonly Uint8Array[]): void {
    const known = toText(mechanism) === "CURVE" && key?.length === 32 && this.#allow.has(toZ85(key));
    const answer = known ? ["200", "OK"] : ["400", "this key is not on the list"];
    this.#socket.send([version!, request ?? "", ...answer, "", ""]).catch(() => {}); // nobody asks any more
    const now = performance.now();
    if (known || now - this.#toldAt < TELL_EVERY_MS) return;
    this.#toldAt = now;
    this.#onRefused(toText(address));
  }
}

function toText(bytes: Uint8Array | undefined): string {
  return new TextDecoder().decode(bytes);
}

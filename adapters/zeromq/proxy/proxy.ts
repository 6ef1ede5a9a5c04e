/**
 * A proxy for larger clusters: nodes connect to it, and not to every other node.
 *
 * @module
 */

import { callback, count } from "../../../contract/options/option_kinds.ts";
import { optional, or, readOptions, type Rows } from "../../../contract/options/read_options.ts";
import { callSafely } from "../../../contract/user_code.ts";
import { bindAddress } from "../addresses.ts";
import { curveRow, listening, readSecurity, type ZeroMqKeys } from "../curve.ts";
import { contextOf, Gatekeeper } from "../gatekeeper.ts";
import { loadZeroMq } from "../library.ts";
import { untilFree } from "../preflight.ts";
import { Pump } from "../pump.ts";
import { socketOptions } from "../sockets.ts";

/** Options of {@linkcode createZeroMqProxy}. */
export interface ZeroMqProxyOptions {
  /**
   * The address to which nodes publish: `"tcp://10.0.0.5:5550"`, `"tcp://*:5550"` for all addresses of this machine,
   * `"tcp://127.0.0.1:*"` for a free port.
   */
  readonly front: string;
  /** The address from which nodes receive. */
  readonly back: string;
  /**
   * CURVE keys. With keys, all traffic is encrypted, and only nodes with an allowed key may connect. To listen for
   * other machines without keys, give `"none"`.
   *
   * @default `"none"`, if the proxy listens for this machine alone.
   */
  readonly curve?: ZeroMqKeys | "none";
  /**
   * How many batches of messages may wait for one node. Above this limit the proxy drops batches for that node. The
   * node sees the gap at the next message on the same channel, and reports it.
   *
   * @default {10_000}
   */
  readonly highWaterMark?: number;
  /** Called when a connection is refused, at most once a second. Errors that it throws go to the console. */
  readonly onRefused?: (address: string) => void;
}

/** A running proxy. */
export interface ZeroMqProxy extends AsyncDisposable {
  /** The address to which nodes publish. */
  readonly front: string;
  /** The address from which nodes receive. */
  readonly back: string;
  /** Stops the proxy. Resolves when it no longer listens. Idempotent. */
  close(): Promise<void>;
}

/** The library counts in 32 bits. */
const MAX_HIGH_WATER_MARK = 2 ** 31 - 1;

const ROWS = {
  front: bindAddress,
  back: bindAddress,
  curve: curveRow,
  highWaterMark: or(count({ max: MAX_HIGH_WATER_MARK }), 10_000),
  onRefused: optional(callback<(address: string) => void>()),
} satisfies Rows<ZeroMqProxyOptions>;

const TIMES = { connectTimeoutMs: 5_000, probeIntervalMs: 5_000, probeTimeoutMs: 5_000 };

/**
 * Starts a proxy. It runs in a thread of its own, does not read the messages, and stores nothing. Several applications
 * may share one, each with its own prefix.
 *
 * @example
 * ```ts ignore
 * // Listens.
 * await using proxy = await createZeroMqProxy({ front: "tcp://10.0.0.5:5550", back: "tcp://10.0.0.5:5551", curve: keys });
 * ```
 *
 * @param options The addresses, and the keys.
 * @returns The proxy, once it listens. Rejects when an address is in use, or the library is not installed or does not
 * run here.
 * @throws {TypeError} If an option is missing, unknown, or has the wrong type, or if keys are missing.
 */
export async function createZeroMqProxy(options: ZeroMqProxyOptions): Promise<ZeroMqProxy> {
  const owner = "createZeroMqProxy";
  const { front, back, curve, highWaterMark, onRefused } = readOptions(owner, options, ROWS);
  const security = readSecurity(owner, curve, [front, back]);
  const zmq = await loadZeroMq();
  const context = contextOf(zmq, security);
  // A new object for each socket: the library removes the context from the object. The second socket would then be in a
  // context without a ZAP handler.
  const sockets = () => ({ ...socketOptions(TIMES, front, back), ...listening(security), context });
  const [xsub, xpub] = [new zmq.XSubscriber(sockets()), new zmq.XPublisher(sockets())];
  xpub.sendHighWaterMark = highWaterMark;
  xpub.receiveHighWaterMark = 0; // unlimited, so that no subscription gets lost
  xsub.receiveHighWaterMark = highWaterMark;
  const pump = new Pump(() => true);
  let gatekeeper: Gatekeeper | undefined;
  const endAll = () => {
    pump.close();
    gatekeeper?.close();
  };
  try {
    const allow = security.keys?.allow;
    const tell = (address: string) =>
      callSafely(
        () => onRefused?.(address),
        (failure) => console.error("[trunkline] onRefused threw", failure, "when called for", address),
      );
    if (allow) gatekeeper = await Gatekeeper.start(zmq, context, pump, allow, tell);
    for (const [socket, at] of [[xsub, front], [xpub, back]] as const) {
      await socket.bind(at).catch((cause: Error) => {
        throw new Error(`Cannot start a ZeroMQ proxy at ${at}: ${cause.message}`, { cause });
      });
    }
  } catch (error) {
    const places = [xsub, xpub].map(({ lastEndpoint }) => lastEndpoint);
    for (const socket of [xsub, xpub]) socket.close();
    endAll();
    await untilFree(...places);
    throw error;
  }
  const places = { front: xsub.lastEndpoint!, back: xpub.lastEndpoint! };
  const proxy = new zmq.Proxy(xsub, xpub);
  const ended = proxy.run().then(endAll, endAll).then(() => untilFree(places.front, places.back));
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= (proxy.terminate(), ended);
    return closing;
  };
  return { ...places, close, [Symbol.asyncDispose]: close };
}

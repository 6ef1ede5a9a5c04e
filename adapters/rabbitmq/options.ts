/**
 * Reads and checks the options of the RabbitMQ adapter.
 *
 * @module
 */

import type { Clock } from "../../contract/clock.ts";
import { count, having, list, secret, text } from "../../contract/options/option_kinds.ts";
import { bag, optional, or, type Read, readOptions, type Rows } from "../../contract/options/read_options.ts";
import { engineRows, prefixFor, refuseAddress } from "../kit/options.ts";
import { type RabbitMqTlsOptions, readServers } from "./addresses.ts";
import { Dialer } from "./dialer.ts";
import { checkLogin } from "./login.ts";
import { RabbitMqNames } from "./names.ts";

/**
 * An `AMQPClient` of `@cloudamqp/amqp-client` 4, connected or not. The adapter uses only its options. It opens its own
 * connections, sends nothing over the client's connection, and never closes it.
 */
export interface RabbitMqClientLike {
  /** The server's name or address. */
  readonly host: string;
  /** The server's port. */
  readonly port: number;
  /** Whether it connects with TLS. */
  readonly tls: boolean;
  /** Its TLS options. */
  readonly tlsOptions?: object | undefined;
  /** The virtual host. */
  readonly vhost: string;
  /** The user that it logs in as. */
  readonly username: string;
  /** The user's password. */
  readonly password: string;
}

/** Options of `createRabbitMqAdapter`. */
export interface RabbitMqAdapterOptions {
  /**
   * `amqp://[USER:PASSWORD@]HOST[:PORT][/VHOST]`, or `amqps://` for TLS. A list of URLs is for a cluster: each
   * connection uses any server that answers. The URLs must not contradict each other in user, password and vhost. Other
   * options take precedence.
   *
   * @default {"amqp://localhost:5672"}
   */
  readonly url?: string | readonly string[];
  /**
   * The user to log in as. RabbitMQ accepts `guest` only from its own machine.
   *
   * @default {"guest"}
   */
  readonly username?: string;
  /**
   * The user's password.
   *
   * @default {"guest"}
   */
  readonly password?: string;
  /**
   * The virtual host.
   *
   * @default {"/"}
   */
  readonly vhost?: string;
  /**
   * TLS. `true` uses the defaults.
   *
   * @default {true for amqps://, else false}
   */
  readonly tls?: boolean | RabbitMqTlsOptions;
  /** A client that you have. The adapter connects with its options. Replaces all options above. */
  readonly client?: RabbitMqClientLike;
  /**
   * Keeps applications on one virtual host apart: nodes with the same prefix form a cluster, and one node may
   * disconnect the clients of all. Any text that is not empty; the name of your application will do.
   */
  readonly prefix: string;
  /**
   * How long one server may take to answer before the adapter tries the next one, in milliseconds.
   *
   * @default {5_000}
   */
  readonly connectTimeoutMs?: number;
  /**
   * How often to check that messages still come through, in milliseconds.
   *
   * @default {5_000}
   */
  readonly probeIntervalMs?: number;
  /**
   * How long a connection may be silent while an answer is due, in milliseconds. After that it counts as dead and is
   * replaced. A dead connection is noticed within this time plus `probeIntervalMs`.
   *
   * @default {5_000}
   */
  readonly probeTimeoutMs?: number;
  /**
   * The largest message, in bytes. The default limit of RabbitMQ 4 is 16 MiB (`max_message_size`). Earlier versions
   * have a higher one.
   *
   * @default {8_388_608}
   */
  readonly maxMessageBytes?: number;
  /**
   * How many bytes of published messages may wait for RabbitMQ's confirmation. They also wait while RabbitMQ takes no
   * messages, because it has too little memory or disk. Beyond it the adapter drops messages, and reports them with
   * stage `"publish"`.
   *
   * @default {16_777_216}
   */
  readonly maxPendingBytes?: number;
  /**
   * How many bytes RabbitMQ keeps in a queue of this node while the node is slow or frozen and does not read. There is
   * a queue for every 250 channels. Above this limit RabbitMQ drops the oldest messages. When the node reads again, it
   * learns of the loss and repairs its histories.
   *
   * @default {33_554_432}
   */
  readonly maxQueueBytes?: number;
  /**
   * The source of time, for tests.
   *
   * @default {systemClock}
   */
  readonly clock?: Clock;
}

const TLS_ROWS = {
  ca: optional(text),
  cert: optional(text),
  key: optional(secret),
  passphrase: optional(secret),
  servername: optional(text),
} satisfies Rows<RabbitMqTlsOptions>;

const ROWS = {
  ...engineRows({ maxMessageBytes: 8 * 1024 * 1024, maxPendingBytes: 16 * 1024 * 1024 }),
  url: optional((value, place) => typeof value === "string" ? value : list(text)(value, place)),
  username: optional(text),
  password: optional(secret),
  vhost: optional(text),
  tls: optional((value, place) => typeof value === "boolean" ? value : bag(TLS_ROWS)(value, place)),
  client: optional(
    having<RabbitMqClientLike>("an AMQPClient of @cloudamqp/amqp-client 4"),
  ),
  prefix: prefixFor("RabbitMQ"),
  maxQueueBytes: or(count(), 32 * 1024 * 1024),
} satisfies Rows<RabbitMqAdapterOptions>;

/** Options in the form that the adapter uses. */
export interface Settings extends
  Pick<
    Read<typeof ROWS>,
    | "clock"
    | "connectTimeoutMs"
    | "probeIntervalMs"
    | "probeTimeoutMs"
    | "maxMessageBytes"
    | "maxPendingBytes"
    | "maxQueueBytes"
  > {
  readonly names: RabbitMqNames;
  readonly dialer: Dialer;
}

/**
 * Checks options and fills in the defaults.
 *
 * @param options The user's options.
 * @throws {TypeError} If an option has the wrong type, or contradicts another.
 * @throws {RangeError} If a number is out of range, or the prefix or the login is too long.
 */
export function readRabbitMqOptions(options: RabbitMqAdapterOptions): Settings {
  refuseAddress("createRabbitMqAdapter", options, "url");
  const { prefix, url, username, password, vhost, tls, client, ...rest } = readOptions(
    "createRabbitMqAdapter",
    options,
    ROWS,
  );
  const own = { url, username, password, vhost, tls };
  const { clock, connectTimeoutMs: timeoutMs } = rest;
  const where = client ? ofClient(client, own) : ofOptions(own);
  checkLogin(where);
  return { ...rest, names: new RabbitMqNames(prefix), dialer: new Dialer({ ...where, clock, timeoutMs }) };
}

type Own = Pick<RabbitMqAdapterOptions, "url" | "username" | "password" | "vhost" | "tls">;
type Where = Omit<ConstructorParameters<typeof Dialer>[0], "clock" | "timeoutMs">;

function ofOptions({ url = "amqp://localhost:5672", username, password, vhost, tls }: Own): Where {
  const said = readServers(typeof url === "string" ? [url] : url);
  if (tls === false && said.tls) {
    throw new TypeError("Cannot use tls: false of createRabbitMqAdapter with an amqps:// url: choose one");
  }
  return {
    addresses: said.addresses,
    tls: typeof tls === "object" ? tls : tls || said.tls ? {} : undefined,
    username: username ?? said.username ?? "guest",
    password: password ?? said.password ?? "guest",
    vhost: vhost ?? said.vhost ?? "/",
  };
}

function ofClient(
  { host, port, tls, tlsOptions, vhost, username, password }: RabbitMqClientLike,
  own: Own,
): Where {
  const surplus = Object.entries(own).find(([, value]) => value !== undefined);
  if (surplus) {
    throw new TypeError(
      `Cannot use client of createRabbitMqAdapter together with ${surplus[0]}: the client has its own`,
    );
  }
  if (
    typeof host !== "string" || typeof port !== "number" || typeof vhost !== "string" ||
    typeof username !== "string" || typeof password !== "string"
  ) {
    throw new TypeError(
      "Cannot use this client of createRabbitMqAdapter: give an AMQPClient of @cloudamqp/amqp-client 4",
    );
  }
  const hostname = host.replace(/^\[|\]$/g, "");
  return {
    addresses: [{ hostname, port }],
    tls: tls ? { ...tlsOptions } : undefined,
    vhost,
    username,
    password,
  };
}

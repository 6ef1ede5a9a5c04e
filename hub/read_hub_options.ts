/**
 * Checks the options of a hub and fills in the defaults.
 *
 * @module
 */

import type { Adapter } from "../adapters/adapter.ts";
import { createMemoryAdapter } from "../adapters/memory.ts";
import { type Codec, type Contract, jsonCodec, systemClock } from "../contract/mod.ts";
import { sharingTimers } from "./shared_timers.ts";
import {
  byName,
  callback,
  clock,
  codec,
  flag,
  having,
  list,
  ms,
  oneOf,
  text,
  wholeMs,
} from "../contract/options/option_kinds.ts";
import {
  bag,
  type Kind,
  optional,
  or,
  type Read,
  readOptions,
  type Rows,
  within,
  wrong,
} from "../contract/options/read_options.ts";
import { suggest } from "../contract/options/suggest.ts";
import type { Transport } from "../transports/transport.ts";
import { createWebSocketTransport } from "../transports/websocket/mod.ts";
import type { AnyHubOptions } from "./api/options.ts";
import { adapterOption } from "./backplane/adapter_option.ts";
import { logError } from "./log_error.ts";
import { checkPresence, presence } from "./read_presence_options.ts";
import { readOrigin } from "./session/admission/origin.ts";
import { completeLimits, type Limits, limits } from "./session/limits.ts";
import { historyOption } from "./topics/shared_store.ts";

type Option<K extends keyof AnyHubOptions> = NonNullable<AnyHubOptions[K]>;

const listOfOrigins = list((value, place) => {
  const read = readOrigin(text(value, place));
  if ("origin" in read) return read.origin;
  throw wrong(value, place, read.instead);
});

const origins: Kind<Option<"origins">> = (value, place) => {
  if (value === "*" || typeof value === "function") return value as Option<"origins">;
  if (Array.isArray(value)) return listOfOrigins(value, place);
  throw wrong(value, place, 'a list of origins, "*" for all, or a function');
};

const CLUSTER = {
  heartbeatMs: or(ms(), 10_000),
  nodeTimeoutMs: or(ms(), 30_000),
  requestTimeoutMs: or(ms(), 5_000),
  fastTimeoutMs: or(ms(), 1_000),
  joinTimeoutMs: or(ms({ min: 0 }), 250),
} satisfies Rows<Option<"cluster">>;

const cluster = bag(CLUSTER);

const OPTIONS = {
  authenticate: callback<Option<"authenticate">>(),
  transports: optional(list(having<Transport>("a transport of a hub", "attach"), { min: 1 })),
  codecs: or<readonly Codec[]>(list(codec, { min: 1 }), [jsonCodec]),
  adapter: optional(adapterOption),
  history: optional(historyOption),
  authorize: optional(byName(callback<(authorization: never) => boolean | Promise<boolean>>())),
  rejoin: optional(callback<Option<"rejoin">>()),
  presence,
  onConnection: optional(callback<Option<"onConnection">>()),
  onDisconnect: optional(callback<Option<"onDisconnect">>()),
  onError: or(callback<Option<"onError">>(), logError),
  origins: optional(origins),
  address: optional(callback<Option<"address">>()),
  limits,
  slowConsumer: or(oneOf("close", "drop"), "close"),
  heartbeatMs: or(wholeMs(), 25_000),
  cluster,
  startWithoutBackplane: or(flag, false),
  maxBackplaneDownMs: or(ms({ min: 0, max: Infinity }), Infinity),
  backplaneTimeoutMs: or(ms(), 10_000),
  authorizeTimeoutMs: or(ms(), 10_000),
  requestTimeoutMs: or(ms({ max: Infinity }), 10_000),
  clock: or(clock, systemClock),
} satisfies Readonly<Record<keyof AnyHubOptions, Kind<unknown>>>;

/** The options of a hub, with all defaults filled in. */
export interface HubSettings extends Omit<Read<typeof OPTIONS>, "limits" | "transports" | "adapter"> {
  readonly limits: Limits;
  readonly transports: readonly Transport[];
  readonly adapter: Adapter;
}

/** Refuses a rule for an unknown topic: it protects nothing, and the topic that was meant stays open. */
function checkPatterns(contract: Contract, rules: object): void {
  const { shared, roles } = contract.definition;
  const topics = [shared, ...Object.values(roles)].flatMap((surface) => Object.keys(surface?.topics ?? {}));
  for (const pattern of Object.keys(rules)) {
    if (topics.includes(pattern)) continue;
    const hint = suggest(pattern, new Set(topics));
    throw new TypeError(
      `Cannot use authorize.${pattern} of createHub: the contract has no topic of this pattern, ${hint}`,
    );
  }
}

/**
 * Checks options and fills in the defaults.
 *
 * @param contract The contract with its topics.
 * @param given The options of the application.
 * @throws {TypeError} When an option is unknown or of the wrong type, or a rule is for no topic of the contract.
 * @throws {RangeError} When a number is out of its range, or two of them do not fit together.
 */
export function readHubOptions(contract: Contract, given: unknown): HubSettings {
  const place = { owner: "createHub", path: "" };
  const { transports, adapter, ...options } = readOptions(place.owner, given, OPTIONS);
  checkPatterns(contract, (given as AnyHubOptions).authorize ?? {});
  if ((given as AnyHubOptions).presence !== undefined) checkPresence(contract, options.presence);
  const { heartbeatMs, nodeTimeoutMs } = options.cluster;
  if (heartbeatMs * 3 > nodeTimeoutMs) {
    const give = `a number not above a third of cluster.nodeTimeoutMs, ${nodeTimeoutMs}`;
    throw wrong(heartbeatMs, within(place, "cluster.heartbeatMs"), give);
  }
  return {
    ...options,
    clock: options.clock === systemClock ? sharingTimers(systemClock) : options.clock,
    limits: completeLimits(options.limits, options.slowConsumer),
    transports: transports ?? [createWebSocketTransport()],
    adapter: adapter ?? createMemoryAdapter(),
  };
}

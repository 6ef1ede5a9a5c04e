/**
 * Reads ZeroMQ addresses from options, and turns them into system addresses.
 *
 * @module
 */

import { text } from "../../contract/options/option_kinds.ts";
import type { Kind } from "../../contract/options/read_options.ts";

/** The longest address that nodes send to each other. A host name has at most 253 characters. */
export const MAX_ADDRESS = 300;

const ADDRESS = /^tcp:\/\/([^:/[\]\s]+|\[[0-9a-zA-Z:.%]+\]):(\d+|\*)$|^ipc:\/\/([^\0]+)$/;
const MAX_PORT = 65_535;

/** The parts that an address may leave open. */
interface Openness {
  /** `*`: all addresses of the machine, or any path. */
  readonly host: boolean;
  /** `*` or 0: a free port. */
  readonly port: boolean;
}

function addressKind(open: Openness, give: string): Kind<string> {
  return (value, place) => {
    const given = text(value, place);
    const [whole, host, port, path] = given.match(ADDRESS) ?? [];
    // The library would accept a larger port, and listen on another one.
    const fits = whole !== undefined && given.length <= MAX_ADDRESS && !(Number(port) > MAX_PORT) &&
      (open.host || (host !== "*" && path !== "*")) && (open.port || !(port === "*" || Number(port) === 0));
    if (fits) return given;
    throw new TypeError(`Cannot use ${place.path} of ${place.owner}: give ${give}`);
  };
}

/** An address to listen on. */
export const bindAddress: Kind<string> = addressKind(
  { host: true, port: true },
  'an address such as "tcp://10.0.0.5:5550", with a port up to 65535',
);

/** An address at which others reach this node. Its port may not be known yet. */
export const advertisedAddress: Kind<string> = addressKind(
  { host: false, port: true },
  'an address at which others reach this node, such as "tcp://10.0.0.5:5550", or "tcp://10.0.0.5:*" for the port of bind',
);

/** An address to connect to. */
export const remoteAddress: Kind<string> = addressKind(
  { host: false, port: false },
  'an address to connect to, such as "tcp://10.0.0.5:5550", with its host and its port',
);

/** The argument of `connect` of `node:net`. */
export type SystemAddress = { readonly host: string; readonly port: number } | { readonly path: string };

/** The system address of a ZeroMQ address. */
export function systemAddress(address: string): SystemAddress {
  const [, host, port] = address.match(/^tcp:\/\/(.+):(\d+)$/) ?? [];
  if (host !== undefined) return { host: host.replace(/^\[|\]$/g, ""), port: Number(port) };
  // An abstract name (Linux) starts with `@` in ZeroMQ, and with a zero character for the system.
  return { path: address.slice("ipc://".length).replace(/^@/, "\0") };
}

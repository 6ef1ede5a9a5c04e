/**
 * Addresses of ZeroMQ, as options and as the system knows them.
 *
 * @module
 */

import { text } from "../../contract/options/option_kinds.ts";
import type { Kind } from "../../contract/options/read_options.ts";

const ADDRESS = /^(tcp:\/\/[^:/]+|tcp:\/\/\[[0-9a-zA-Z:.%]+\]):(\d+|\*)$|^ipc:\/\/.+$/;

/** An address of ZeroMQ. */
export const address: Kind<string> = (value, place) => {
  const given = text(value, place);
  if (ADDRESS.test(given)) return given;
  throw new TypeError(
    `Cannot use ${place.path} of ${place.owner}: give an address such as "tcp://10.0.0.5:5550"`,
  );
};

/** What `connect` of `node:net` takes. */
export type SystemAddress = { readonly host: string; readonly port: number } | { readonly path: string };

/** Where an address leads. */
export function systemAddress(address: string): SystemAddress {
  const [, host, port] = address.match(/^tcp:\/\/(.+):(\d+)$/) ?? [];
  if (host === undefined) return { path: address.slice("ipc://".length) };
  return { host: host.replace(/^\[|\]$/g, ""), port: Number(port) };
}

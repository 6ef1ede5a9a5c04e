/**
 * The option `adapter` of hubs and emitters.
 *
 * @module
 */

import type { Adapter } from "../../adapters/adapter.ts";
import { having } from "../../contract/options/option_kinds.ts";

/** An adapter. */
export const adapterOption = having<Adapter>(
  "an adapter, such as createRedisAdapter({ url, prefix })",
  "open",
  "subscribe",
  "unsubscribe",
  "publish",
  "close",
);

import { central } from "./central.ts";
import { gossip } from "./gossip.ts";
import { membership } from "./membership.ts";
import type { System } from "./system.ts";
/** Everything that can be simulated. */
export const SYSTEMS: readonly System[] = [membership, gossip, central];

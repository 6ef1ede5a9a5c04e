/**
 * Makes the presence of a hub from its options.
 *
 * @module
 */

import type { PresenceStore } from "../adapters/presence_store.ts";
import type { Backplane } from "./backplane/backplane.ts";
import { createCentral } from "./presence/central/create_central.ts";
import { answerNothing, createGossip, hasPresence } from "./presence/gossip/create_gossip.ts";
import { Presences, type PresencesOptions } from "./presence/presences.ts";
import type { PresenceSettings } from "./read_presence_options.ts";

/** How long to wait until all members are known, in milliseconds. */
const PATIENCE_MS = 10_000;
/** The same wait with `startWithoutBackplane`, in milliseconds. */
const SHORT_PATIENCE_MS = 1_000;

/** Options of {@linkcode createPresence}. */
export interface PresenceParts extends
  Omit<
    PresencesOptions,
    "source" | "patienceMs" | "stateOf" | "leaveAfterMs" | "intervalMs" | "maxListed"
  > {
  /** The presence options of the application. */
  readonly settings: PresenceSettings;
  /** Reaches the other nodes. */
  readonly backplane: Backplane;
  /** Whether the hub serves clients without waiting for the other nodes. */
  readonly startWithoutBackplane: boolean;
  /** How often a node sends a heartbeat, in milliseconds. */
  readonly heartbeatMs: number;
  /** How long a node may be silent before it is down, in milliseconds. */
  readonly nodeTimeoutMs: number;
  /** How long a store may take to answer, in milliseconds. */
  readonly storeTimeoutMs: number;
}

/**
 * Makes the presence of a hub; `undefined` when the contract declares none.
 *
 * @throws {TypeError} When `presence.kind` is `"central"` and there is no store, or it is `"gossip"` and there is
 * one.
 */
export function createPresence(parts: PresenceParts): Presences | undefined {
  if (!hasPresence(parts.contract)) return void answerNothing(parts.backplane);
  const { leaveAfterMs } = parts.settings;
  const store = storeOf(parts);
  if (store) answerNothing(parts.backplane);
  return new Presences({
    ...parts,
    ...parts.settings,
    patienceMs: parts.startWithoutBackplane ? SHORT_PATIENCE_MS : PATIENCE_MS,
    source: store
      ? createCentral({ ...parts, store, leaveAfterMs })
      : createGossip({ ...parts, leaveAfterMs }),
  });
}

/** The store of central presence; `undefined` for gossip. */
function storeOf({ settings: { kind, store }, backplane }: PresenceParts): PresenceStore | undefined {
  if (kind === "gossip") {
    if (!store) return undefined;
    throw new TypeError('Cannot use presence.store of createHub for gossip; set presence.kind to "central"');
  }
  const found = store ?? backplane.presence;
  if (found) return found;
  const why = `adapter "${backplane.name}" has no store of presence`;
  throw new TypeError(
    `Cannot use "central" as presence.kind of createHub: ${why}; give presence.store, or leave it out for gossip`,
  );
}

/**
 * Entries as the hub has them, as a store keeps them, and as they travel.
 *
 * @module
 */

import type { StoredEntry } from "../../../adapters/presence_store.ts";
import { writeJson } from "../../../contract/mod.ts";
import type { PlacePut } from "../../backplane/bus_wire.ts";
import type { PresenceEntry } from "../place.ts";

/**
 * An entry for a store.
 *
 * @param entry The entry; its state can be written as JSON.
 */
export function toStored({ id, user, node, state, at }: PresenceEntry): StoredEntry {
  return { id, user, node, state: textOf(state), at: Math.round(at) };
}

/** An entry for the other nodes. */
export function toPut({ id, user, at, state }: StoredEntry): PlacePut {
  return state === undefined ? [id, user ?? null, at] : [id, user ?? null, at, state];
}

/** An entry that another node has told of. */
export function fromPut([id, user, at, state]: PlacePut, node: string): StoredEntry {
  return { id, user: user ?? undefined, node, state, at };
}

/** Whether an entry is as it was told of already. */
export function isSame(known: PresenceEntry, stored: StoredEntry): boolean {
  return known.user === stored.user && known.node === stored.node && Math.round(known.at) === stored.at &&
    textOf(known.state) === stored.state;
}

const textOf = (state: unknown): string | undefined => state === undefined ? undefined : writeJson(state);

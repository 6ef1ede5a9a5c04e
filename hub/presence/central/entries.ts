/**
 * Converts entries between three forms: of the hub, of a store, and of messages between nodes.
 *
 * @module
 */

import type { StoredEntry } from "../../../adapters/presence_store.ts";
import { writeJson } from "../../../contract/mod.ts";
import type { PlacePut } from "../../backplane/bus_wire.ts";
import type { PresenceEntry } from "../place.ts";

/**
 * Makes the form for a store.
 *
 * @param entry The entry. Its state must fit into JSON.
 */
export function toStored({ id, user, node, state, at }: PresenceEntry): StoredEntry {
  return { id, user, node, state: textOf(state), at: Math.round(at) };
}

/** Makes the form for other nodes. */
export function toPut({ id, user, at, state }: StoredEntry): PlacePut {
  return state === undefined ? [id, user ?? null, at] : [id, user ?? null, at, state];
}

/** Reads an entry from another node. */
export function fromPut([id, user, at, state]: PlacePut, node: string): StoredEntry {
  return { id, user: user ?? undefined, node, state, at };
}

/** Whether a known entry and a stored one are the same. */
export function isSame(known: PresenceEntry, stored: StoredEntry): boolean {
  return known.user === stored.user && known.node === stored.node && Math.round(known.at) === stored.at &&
    textOf(known.state) === stored.state;
}

const textOf = (state: unknown): string | undefined => state === undefined ? undefined : writeJson(state);

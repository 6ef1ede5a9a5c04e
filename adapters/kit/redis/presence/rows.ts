/**
 * How names and entries are written in Redis.
 *
 * @module
 */

import type { StoredEntry } from "../../../presence_store.ts";

/** The end of a name. */
const END = "\u0000";
/** It sorts after all names with the same beginning. */
const AFTER = "\u0001";

/** Writes a name without the two characters. A name that contains one is written in JSON after `AFTER`. */
export const writeName = (name: string): string =>
  name.includes(END) || name.includes(AFTER) ? AFTER + JSON.stringify(name) : name;

/** Reads a name that {@linkcode writeName} has written. */
export const readName = (text: string): string =>
  text.startsWith(AFTER) ? String(JSON.parse(text.slice(1))) : text;

/** The arguments for an entry: its connection, its kind, its member, and data that the scripts do not read. */
export function writeEntry({ id, user, state, at }: StoredEntry): readonly [string, string, string, string] {
  const conn = writeName(id);
  return [
    conn,
    user === undefined ? "a" : "u",
    user === undefined ? conn : writeName(user),
    `${at}:${state ?? ""}`,
  ];
}

/**
 * Reads an entry.
 *
 * @param conn Its connection.
 * @param value Its value in Redis.
 * @returns `undefined` if no hub has written the value.
 */
export function readEntry(conn: string, value: string): StoredEntry | undefined {
  const [member, node, rest] = value.split(END);
  const [, at, state] = /^(-?\d+):(.*)$/s.exec(rest ?? "") ?? [];
  if (!member || node === undefined || at === undefined) return undefined;
  try {
    return {
      id: readName(conn),
      user: member.startsWith("u") ? readName(member.slice(1)) : undefined,
      node: readName(node),
      state: state === "" ? undefined : state,
      at: Number(at),
    };
  } catch {
    return undefined;
  }
}

/**
 * Selects the connection that counts for each member.
 *
 * @param entries Entries; the entries of one member must follow each other.
 */
export function shown(entries: readonly StoredEntry[]): StoredEntry[] {
  const members: StoredEntry[] = [];
  for (const entry of entries) {
    const last = members.at(-1);
    if (!last || entry.user === undefined || last.user !== entry.user) members.push(entry);
    else if (entry.at > last.at || (entry.at === last.at && entry.id > last.id)) {
      members[members.length - 1] = entry;
    }
  }
  return members;
}

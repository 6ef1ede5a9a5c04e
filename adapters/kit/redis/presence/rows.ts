/**
 * Names and entries as Redis keeps them.
 *
 * @module
 */

import type { StoredEntry } from "../../../presence_store.ts";

/** What ends a name. */
const END = "\u0000";
/** What comes after all names that begin in the same way. */
const AFTER = "\u0001";

/** Writes a name without the two signs: in JSON, behind the second one. */
export const writeName = (name: string): string =>
  name.includes(END) || name.includes(AFTER) ? AFTER + JSON.stringify(name) : name;

/** Reads what {@linkcode writeName} wrote. */
export const readName = (text: string): string =>
  text.startsWith(AFTER) ? String(JSON.parse(text.slice(1))) : text;

/** The arguments for an entry: its connection, its kind, its member, and what Redis does not look into. */
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
 * @param value What is kept of it.
 * @returns `undefined` for what no hub has written.
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
 * Of every member the connection that shows.
 *
 * @param entries Entries, those of a member one after the other.
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

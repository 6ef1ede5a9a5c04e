/**
 * The end of errors about a name that does not stand for what it is used as.
 *
 * @module
 */

import type { PatternTable } from "../pattern.ts";
import { suggest } from "../options/suggest.ts";

/** What an application may use a name as. */
type NameKind = "request" | "signal" | "event" | "request to clients" | "topic";

/** What a role may send and receive. */
interface Names {
  readonly clientToServer: ReadonlyMap<string, { readonly input?: unknown }>;
  readonly serverToClient: ReadonlyMap<string, { readonly input?: unknown }>;
  readonly topics: PatternTable<unknown>;
}

/** The rooms that a contract knows: those with history, and those with presence. */
export interface Places {
  /** The rooms with history. */
  readonly rooms: PatternTable<unknown>;
  /** The rooms and topics with presence. */
  readonly presence: PatternTable<unknown>;
}

/**
 * What a name stands for: `a topic`. `undefined` if for nothing.
 *
 * @param name The name. Code without types may give anything.
 * @param names What a role may send and receive.
 * @param places The rooms of the contract.
 */
export function kindOf(
  name: string,
  { clientToServer, serverToClient, topics }: Names,
  { rooms, presence }: Places,
): string | undefined {
  if (typeof name !== "string") return `of type ${typeof name}, and not a text`;
  const [asked, told] = [clientToServer.get(name), serverToClient.get(name)];
  if (asked) return asked.input ? "a request" : "a signal";
  if (told) return told.input ? "a request to clients" : "an event";
  if (topics.find(name)) return "a topic";
  // Presence of a name that is no topic is that of a room.
  return rooms.find(name) || presence.find(name) ? "a room (the server puts clients into it)" : undefined;
}

/**
 * What a name stands for in any role.
 *
 * @param name The name.
 * @param contract The contract.
 */
export function kindInAny(
  name: string,
  contract: Places & { readonly roles: ReadonlyMap<string, Names> },
): string | undefined {
  for (const names of contract.roles.values()) {
    const kind = kindOf(name, names, contract);
    if (kind) return kind;
  }
  return undefined;
}

/**
 * Why a name cannot be used.
 *
 * @param kind What it is used as.
 * @param name The name.
 * @param names Where it was looked for.
 * @param is What it stands for; absent if for nothing.
 * @returns `it is a room`, or `no such topic, did you mean "news"?`.
 */
export function whyNot(kind: NameKind, name: string, names: Names, is: string | undefined): string {
  return is ? `it is ${is}` : `no such ${kind}, ${suggest(`${name}`, namesOf(kind, names))}`;
}

function namesOf(kind: NameKind, { clientToServer, serverToClient, topics }: Names): Iterable<string> {
  if (kind === "topic") return topics.patterns;
  const isAsked = kind.startsWith("request");
  const all = kind === "request" || kind === "signal" ? clientToServer : serverToClient;
  return [...all].filter(([, { input }]) => isAsked === (input !== undefined)).map(([name]) => name);
}

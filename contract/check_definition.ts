/**
 * Checks the shape of a contract's definition: every part has the right type and a known name.
 *
 * @module
 */

import { isBag, within, wrong } from "./options/read_options.ts";
import { suggest } from "./options/suggest.ts";

type Bag = Readonly<Record<string, unknown>>;

const SURFACE = ["clientToServer", "serverToClient", "topics"];
const ROOT = ["shared", "roles", "presence", "rooms", "serverToServer"];

/** The end of an error about an unknown part: where a part of this name belongs, or which parts there are. */
function hintFor(name: string, known: readonly string[]): string {
  if (SURFACE.includes(name)) return "write it in shared or a role";
  if (name !== "roles" && ROOT.includes(name)) return "write it beside roles";
  return `there is no such part, ${suggest(name, known)}`;
}

/** Reads a part, which may be absent. If `known` is given, refuses all other names in it. */
function readPart(value: unknown, path: string, known?: readonly string[]): Bag {
  if (value === undefined) return {};
  if (!isBag(value)) {
    const give = known ? `an object of parts, ${suggest("", known)}` : "an object";
    throw wrong(value, { owner: "defineContract", path }, give);
  }
  for (const name of Object.keys(value)) {
    if (!known || known.includes(name)) continue;
    const place = within({ owner: "defineContract", path }, name);
    throw new TypeError(`Cannot use ${place.path} of defineContract: ${hintFor(name, known)}`);
  }
  return value;
}

/** Checks messages by name. `toEntry` refuses a message that is not an object, or that is a schema by itself. */
function checkMessages(value: unknown, path: string): void {
  for (const [name, message] of Object.entries(readPart(value, path))) {
    if (isBag(message) && !("~standard" in message)) {
      readPart(message, `${path}.${name}`, ["payload", "input", "output"]);
    }
  }
}

function checkTopics(value: unknown, path: string): void {
  for (const [pattern, topic] of Object.entries(readPart(value, path))) {
    if (!isBag(topic) || "~standard" in topic) continue;
    const at = `${path}.${pattern}`;
    const { history, conflate } = readPart(topic, at, ["payload", "history", "conflate"]);
    readPart(history, `${at}.history`, ["size", "ttlMs"]);
    if (conflate === undefined || typeof conflate === "boolean" || typeof conflate === "string" && conflate) {
      continue;
    }
    const place = { owner: "defineContract", path: `${at}.conflate` };
    throw wrong(conflate, place, "true, or the name of a property of the payload");
  }
}

function checkPresence(value: unknown): void {
  for (const [pattern, written] of Object.entries(readPart(value, "presence"))) {
    if (!isBag(written) || "~standard" in written) continue;
    const at = `presence.${pattern}`;
    const { clientsSet } = readPart(written, at, ["state", "clientsSet"]);
    if (clientsSet === undefined || typeof clientsSet === "boolean") continue;
    throw wrong(clientsSet, { owner: "defineContract", path: `${at}.clientsSet` }, "true or false");
  }
}

function checkRooms(value: unknown): void {
  for (const [pattern, room] of Object.entries(readPart(value, "rooms"))) {
    const at = `rooms.${pattern}`;
    if (room === undefined) {
      throw wrong(room, { owner: "defineContract", path: at }, "an object with history");
    }
    const { history } = readPart(room, at, ["history"]);
    if (history === undefined) {
      throw wrong(history, { owner: "defineContract", path: `${at}.history` }, "an object with a size");
    }
    readPart(history, `${at}.history`, ["size", "ttlMs"]);
  }
}

function checkSurface(value: unknown, path: string): void {
  const { clientToServer, serverToClient, topics } = readPart(value, path, SURFACE);
  checkMessages(clientToServer, `${path}.clientToServer`);
  checkMessages(serverToClient, `${path}.serverToClient`);
  checkTopics(topics, `${path}.topics`);
}

/**
 * Checks the shape of a definition. Schemas and patterns are checked later, where `defineContract` reads them.
 *
 * @param definition The definition that the author wrote.
 * @throws {TypeError} When a part has the wrong type or an unknown name. The error names the part by its path.
 */
export function checkDefinition(definition: unknown): void {
  const root = { owner: "defineContract", path: "" };
  if (!isBag(definition)) {
    throw wrong(definition, { ...root, path: "the definition" }, "an object with roles");
  }
  const { shared, roles, presence, rooms, serverToServer } = readPart(definition, "", ROOT);
  if (roles === undefined) throw wrong(roles, { ...root, path: "roles" }, "an object with at least one role");
  checkSurface(shared, "shared");
  for (const [role, surface] of Object.entries(readPart(roles, "roles"))) {
    if (surface === undefined) {
      throw wrong(surface, { ...root, path: `roles.${role}` }, "an object, which may be empty");
    }
    checkSurface(surface, `roles.${role}`);
  }
  checkPresence(presence);
  checkRooms(rooms);
  checkMessages(serverToServer, "serverToServer");
}

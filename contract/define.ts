/**
 * `defineContract`: turns the definition that an author writes into tables by name, which hub and client use.
 *
 * @module
 */

import type { CheckedDefinition } from "./names/check_parts.ts";
import type {
  ContractDefinition,
  HistoryDefinition,
  MessageDefinition,
  PresenceDefinition,
  RequestDefinition,
  TopicDefinition,
} from "./definition.ts";
import { checkDefinition } from "./check_definition.ts";
import { kindOf, type Places, whyNot } from "./names/why_not.ts";
import { PatternTable } from "./pattern.ts";
import type { Schema } from "./standard_schema.ts";
import { hasLoneSurrogate, toWellFormed } from "./values/text.ts";

/** A declared message or request, with its name. */
export interface Entry {
  /** The name it was declared under. */
  readonly name: string;
  /** A one-way message's schema. */
  readonly payload?: Schema;
  /** The schema of a request's input. */
  readonly input?: Schema;
  /** The schema of a request's answer. */
  readonly output?: Schema;
}

/** A declared topic. */
export interface TopicEntry {
  /** The pattern it was declared under. */
  readonly pattern: string;
  /** The role that this topic belongs to; `undefined` for a shared topic. */
  readonly role: string | undefined;
  /** The topic's definition. */
  readonly definition: TopicDefinition;
}

/** Declared presence. */
export interface DeclaredPresence {
  /** The pattern it was declared under. */
  readonly pattern: string;
  /** The schema of a member's state. */
  readonly state: Schema;
  /** Whether clients may set the state of their own connection. */
  readonly clientsSet: boolean;
}

/** A declared room with history. */
export interface RoomEntry {
  /** The pattern it was declared under. */
  readonly pattern: string;
  /** How many messages are kept, and for how long. */
  readonly history: HistoryDefinition;
}

/** Everything that one role may send and receive, with the shared part. */
export interface Surface {
  /** The role; `undefined` for the shared part alone. */
  readonly role: string | undefined;
  /** Signals and requests of clients, by name. */
  readonly clientToServer: ReadonlyMap<string, Entry>;
  /** Events and requests of the server, by name. */
  readonly serverToClient: ReadonlyMap<string, Entry>;
  /** Topics, by pattern. */
  readonly topics: PatternTable<TopicEntry>;
  /**
   * Why a name cannot be used as one of this kind, for errors: `it is a room`, or `no such topic, did you mean "news"?`.
   *
   * @param kind What it is used as.
   * @param name The name.
   */
  whyNot(kind: "request" | "signal" | "event" | "request to clients" | "topic", name: string): string;
}

/** A contract, ready for use by {@linkcode createHub} and {@linkcode createClient}. Made by {@linkcode defineContract}. */
export interface Contract<D extends ContractDefinition = ContractDefinition> {
  /** The definition, as the author wrote it. */
  readonly definition: D;
  /** The surface of each role, with the shared part. */
  readonly roles: ReadonlyMap<string, Surface>;
  /** The surface that every role has. */
  readonly shared: Surface;
  /** Where the contract keeps presence, by pattern. */
  readonly presence: PatternTable<DeclaredPresence>;
  /** The rooms that keep history, by pattern. */
  readonly rooms: PatternTable<RoomEntry>;
  /** The events and requests between nodes, by name. */
  readonly serverToServer: ReadonlyMap<string, Entry>;
}

type Entries = { readonly [name: string]: MessageDefinition | RequestDefinition } | undefined;

const hasOwn = (value: unknown, key: string): boolean =>
  typeof value === "object" && value !== null && Object.prototype.hasOwnProperty.call(value, key);

function isSchema(value: unknown): value is Schema {
  const props = (value as Partial<Schema> | null | undefined)?.["~standard"];
  return typeof props?.validate === "function";
}

const NO_SCHEMA = "is not a Standard Schema, such as one of zod 4, valibot 1 or arktype 2";

function toEntry(
  name: string,
  written: MessageDefinition | RequestDefinition,
  where: string,
  path: string,
): Entry {
  const what = `${where} "${name}"`;
  const oneWay = hasOwn(written, "payload");
  const [input, output] = [hasOwn(written, "input"), hasOwn(written, "output")];
  if (input !== output || oneWay === input) {
    throw new TypeError(
      `Cannot declare ${what}: give it either "payload", or "input" and "output" (${path}.${name})`,
    );
  }
  const schemas = written as Partial<MessageDefinition & RequestDefinition>;
  for (const schema of oneWay ? [schemas.payload] : [schemas.input, schemas.output]) {
    if (!isSchema(schema)) {
      throw new TypeError(`Cannot declare ${what}: its schema ${NO_SCHEMA} (${path}.${name})`);
    }
  }
  return oneWay ? { name, payload: schemas.payload } : { name, input: schemas.input, output: schemas.output };
}

/** Names travel in messages, so half a surrogate pair would make each of their messages unreadable. */
function checkSendable(name: string, where: string): void {
  if (!hasLoneSurrogate(name)) return;
  throw new TypeError(
    `Cannot declare ${where} "${toWellFormed(name)}": a name with half a surrogate pair cannot be sent`,
  );
}

function addEntries(into: Map<string, Entry>, written: Entries, where: string, path: string): void {
  for (const [name, definition] of Object.entries(written ?? {})) {
    if (name === "") throw new TypeError(`Cannot declare ${where} "": a name has at least one character`);
    checkSendable(name, where);
    if (into.has(name)) throw new TypeError(`Cannot declare ${where} "${name}" twice (${path}.${name})`);
    into.set(name, toEntry(name, definition, where, path));
  }
}

function checkTopic(pattern: string, definition: TopicDefinition | undefined, path: string): void {
  if (!definition || !isSchema(definition.payload)) {
    throw new TypeError(`Cannot declare topic "${pattern}": its payload ${NO_SCHEMA} (${path})`);
  }
  const { history, conflate } = definition;
  if (history && conflate) {
    throw new TypeError(
      `Cannot declare topic "${pattern}": history never skips a message, so it cannot conflate`,
    );
  }
  if (history) checkHistory(history, `topic "${pattern}"`, path);
}

function checkHistory({ size, ttlMs }: HistoryDefinition, what: string, path: string): void {
  if (!(Number.isInteger(size) && size > 0)) {
    throw new RangeError(`Cannot declare ${what}: history.size must be a whole number above 0 (${path})`);
  }
  if (ttlMs !== undefined && !(typeof ttlMs === "number" && ttlMs > 0)) {
    throw new RangeError(`Cannot declare ${what}: history.ttlMs must be a number above 0 (${path})`);
  }
}

/** Adds the declarations of one role, or of `shared`. */
function addSurface(
  into: MutableSurface,
  written: ContractDefinition["shared"],
  role: string | undefined,
): void {
  const path = role === undefined ? "shared" : `roles.${role}`;
  addEntries(
    into.clientToServer,
    written?.clientToServer,
    "client-to-server message",
    `${path}.clientToServer`,
  );
  addEntries(
    into.serverToClient,
    written?.serverToClient,
    "server-to-client message",
    `${path}.serverToClient`,
  );
  for (const [pattern, definition] of Object.entries(written?.topics ?? {})) {
    checkSendable(pattern, "topic");
    checkTopic(pattern, definition, `${path}.topics.${pattern}`);
    into.topics.add(pattern, { pattern, role, definition });
  }
}

interface MutableSurface extends Surface {
  readonly clientToServer: Map<string, Entry>;
  readonly serverToClient: Map<string, Entry>;
}

function surfaceOf(definition: ContractDefinition, places: Places, role?: string): Surface {
  const surface: MutableSurface = {
    role,
    clientToServer: new Map(),
    serverToClient: new Map(),
    topics: new PatternTable(),
    whyNot: (kind, name) => whyNot(kind, name, surface, kindOf(name, surface, places)),
  };
  addSurface(surface, definition.shared, undefined);
  if (role !== undefined) addSurface(surface, definition.roles[role], role);
  return surface;
}

function declaredPresence(pattern: string, written: Schema | PresenceDefinition): DeclaredPresence {
  const { state, clientsSet = false } = isSchema(written)
    ? { state: written }
    : written as PresenceDefinition;
  if (isSchema(state)) return { pattern, state, clientsSet };
  throw new TypeError(`Cannot declare presence "${pattern}": its state ${NO_SCHEMA} (presence)`);
}

/** Checks that an event name means the same for every role: a room may hold connections of several roles. */
function checkEventsAgree(definition: ContractDefinition): void {
  const seen = new Map<string, { role: string; written: unknown }>();
  for (const [role, surface] of Object.entries(definition.roles)) {
    for (const [name, written] of Object.entries(surface.serverToClient ?? {})) {
      const other = seen.get(name);
      if (other && other.written !== written) {
        throw new TypeError(
          `Cannot declare server-to-client message "${name}" twice: roles "${other.role}" and "${role}" differ; ` +
            `share one definition or use two names`,
        );
      }
      seen.set(name, { role, written });
    }
  }
}

/**
 * Makes a contract: what clients and servers may say to each other, with a schema for every payload.
 *
 * Names are checked here, once. The error names the entry. A role may not have one name twice (in its own part and in
 * `shared`). Two roles may not declare one event differently. No name may fit two topic patterns.
 *
 * @param definition The contract as data; see {@linkcode ContractDefinition}. The compiler refuses parts that do not
 * exist ({@linkcode CheckedDefinition}).
 * @throws {TypeError} In these cases:
 * - A name is used twice, or holds half a surrogate pair.
 * - An entry does not have exactly one of these two: `payload`, or `input` with `output`.
 * - A schema is not a Standard Schema.
 * - A pattern is malformed.
 * - A part has an unknown name or the wrong type.
 * @throws {RangeError} When a history's size or time to live is not above 0.
 *
 * @example
 * ```ts
 * import { defineContract } from "@trunkline/hub";
 * import { assert } from "@std/assert";
 * import { z } from "zod";
 *
 * const chat = defineContract({
 *   roles: {
 *     member: {
 *       clientToServer: { say: { input: z.object({ text: z.string() }), output: z.object({ id: z.string() }) } },
 *       serverToClient: { message: { payload: z.object({ text: z.string() }) } },
 *       topics: { "ticker/:symbol": { payload: z.object({ price: z.number() }) } },
 *     },
 *   },
 * });
 * assert(chat.roles.get("member")?.topics.find("ticker/ACME"));
 * ```
 */
export function defineContract<const D extends ContractDefinition>(
  definition: D & CheckedDefinition<D>,
): Contract<D> {
  checkDefinition(definition);
  const presence = new PatternTable<DeclaredPresence>();
  const rooms = new PatternTable<RoomEntry>();
  const places = { presence, rooms };
  const roles = new Map<string, Surface>();
  for (const role of Object.keys(definition.roles)) {
    checkSendable(role, "role");
    roles.set(role, surfaceOf(definition, places, role));
  }
  if (roles.size === 0) throw new TypeError("Cannot define a contract without roles: give it at least one");
  if (roles.has("shared")) {
    throw new TypeError('Cannot call a role "shared": that is the part that every role has');
  }
  checkEventsAgree(definition);
  for (const [pattern, written] of Object.entries(definition.presence ?? {})) {
    checkSendable(pattern, "presence");
    presence.add(pattern, declaredPresence(pattern, written));
  }
  for (const [pattern, { history }] of Object.entries(definition.rooms ?? {})) {
    checkSendable(pattern, "room");
    checkHistory(history, `room "${pattern}"`, `rooms.${pattern}`);
    rooms.add(pattern, { pattern, history });
  }
  const serverToServer = new Map<string, Entry>();
  addEntries(serverToServer, definition.serverToServer, "server-to-server message", "serverToServer");
  const shared = surfaceOf(definition, places);
  return { definition, roles, shared, presence, rooms, serverToServer };
}

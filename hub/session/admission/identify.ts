/**
 * Asks the application who a client is, and checks the answer.
 *
 * @module
 */

import { hasLoneSurrogate, kindOf, promiseOf } from "../../../contract/mod.ts";
import { suggest } from "../../../contract/options/suggest.ts";
import type { HubUser } from "../../api/connection.ts";
import type { AnyHubOptions, Handshake } from "../../api/options.ts";

/** What an answer of the application has. */
const PARTS = ["role", "user", "ctx"];

/** The identity of a client. */
export interface Identified {
  /** Its role. */
  readonly role: string;
  /** Its user; `undefined` for an anonymous client. */
  readonly user: HubUser | undefined;
  /** The id of its user at this moment. */
  readonly userId: string | undefined;
  /** The `ctx` for handlers. */
  readonly ctx: unknown;
}

/**
 * Calls `authenticate`.
 *
 * @param authenticate The application's function.
 * @param handshake The handshake of the client.
 * @returns The identity; a promise of it only if `authenticate` gave a promise.
 * @throws {TypeError} When the answer does not say clearly who the client is: then the client is refused.
 */
export function identify(
  authenticate: AnyHubOptions["authenticate"],
  handshake: Handshake,
): Identified | Promise<Identified> {
  const given: unknown = authenticate(handshake);
  return promiseOf(given)?.then(read) ?? read(given);
}

function read(answer: unknown): Identified {
  if (typeof answer !== "object" || answer === null) {
    throw new TypeError(
      `Cannot let a client in: authenticate answered with ${kindOf(answer)}. Give { role, user }`,
    );
  }
  const { role, user, ctx } = answer as Readonly<Record<string, unknown>>;
  for (const name of Object.keys(answer)) {
    if (PARTS.includes(name)) continue;
    const hint = suggest(name, PARTS);
    throw new TypeError(
      `Cannot let a client in: the answer of authenticate has no part "${name}", ${hint}`,
    );
  }
  if (typeof role !== "string") {
    throw new TypeError(
      `Cannot let a client in: authenticate gave ${kindOf(role)} as role. Give the role's name`,
    );
  }
  return { role, user: user as HubUser | undefined, userId: idOf(user), ctx };
}

function idOf(user: unknown): string | undefined {
  if (user === undefined) return undefined;
  if (typeof user !== "object" || user === null) {
    throw new TypeError(
      `Cannot let a client in: authenticate gave ${
        kindOf(user)
      } as user. Give an object with an id, or leave it out for an anonymous client`,
    );
  }
  const { id } = user as { readonly id?: unknown };
  if (typeof id === "string" && id !== "" && !hasLoneSurrogate(id)) return id;
  const what = typeof id !== "string" ? kindOf(id) : id === "" ? "an empty text" : "half a surrogate pair";
  throw new TypeError(
    `Cannot let a client in: authenticate gave a user with ${what} as id. Give a text that is not empty`,
  );
}

/**
 * What the application does with requests and signals, by role and name.
 *
 * @module
 */

import type { Contract, Entry } from "../../contract/mod.ts";
import { isBag, wrong } from "../../contract/options/read_options.ts";
import { suggest } from "../../contract/options/suggest.ts";
import type { Connection } from "../connection/connection.ts";

/** What a handler is given beside its input. */
export interface CallContext {
  /** Who asks. */
  readonly conn: Connection;
  /** Aborted when the client gives up, or is gone; of a request with an id when the hub closes. */
  readonly signal: AbortSignal;
  /** The id that the client gave the request, if any. */
  readonly id: string | undefined;
}

/** A handler, its types forgotten. */
export type Handler = (input: unknown, context: CallContext) => unknown;

/** The handlers of a hub. */
export class HandlerTable {
  readonly #contract: Contract;
  readonly #byRole = new Map<string, ReadonlyMap<string, Handler>>();

  /** @param contract The contract that they implement. */
  constructor(contract: Contract) {
    this.#contract = contract;
  }

  /** The handlers of a role by the names of its messages; `undefined` before `implement`. */
  of(role: string): ReadonlyMap<string, Handler> | undefined {
    return this.#byRole.get(role);
  }

  /**
   * Takes all handlers at once.
   *
   * @param given By role, and `shared`.
   * @throws {TypeError} When called twice, or a handler is missing or not in the contract. Nothing is taken then.
   */
  implement(given: Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>>): void {
    if (this.#byRole.size > 0) {
      throw new TypeError("Cannot implement a hub twice: give all handlers in one call");
    }
    checkBag(given, "the handlers");
    const { roles, shared } = this.#contract;
    for (const part of Object.keys(given)) {
      if (part !== "shared" && !roles.has(part)) {
        const hint = suggest(part, ["shared", ...roles.keys()]);
        throw new TypeError(`Cannot implement "${part}": no role of that name, ${hint}`);
      }
    }
    const all = new Map<string, ReadonlyMap<string, Handler>>();
    const common = read("shared", shared.clientToServer, given.shared);
    for (const [role, surface] of roles) {
      const own = new Map([...surface.clientToServer].filter(([name]) => !shared.clientToServer.has(name)));
      all.set(role, new Map([...common, ...read(role, own, given[role])]));
    }
    for (const [role, handlers] of all) this.#byRole.set(role, handlers);
  }
}

function checkBag(given: unknown, path: string): void {
  if (!isBag(given)) throw wrong(given, { owner: "implement", path }, "an object of handlers by name");
}

function read(
  part: string,
  declared: ReadonlyMap<string, Entry>,
  given: Readonly<Record<string, unknown>> = {},
): Map<string, Handler> {
  checkBag(given, part);
  for (const name of Object.keys(given)) {
    if (!declared.has(name)) {
      const hint = suggest(name, declared.keys());
      throw new TypeError(`Cannot implement "${name}" of "${part}": the contract has none, ${hint}`);
    }
  }
  const handlers = new Map<string, Handler>();
  for (const name of declared.keys()) {
    const handler = Object.hasOwn(given, name) ? given[name] : undefined;
    if (typeof handler !== "function") {
      throw new TypeError(`Cannot implement "${part}" without a handler for "${name}"`);
    }
    handlers.set(name, handler as Handler);
  }
  return handlers;
}

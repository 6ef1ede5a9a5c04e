/**
 * The application's handlers of requests and signals, by role and name.
 *
 * @module
 */

import type { Contract, Entry } from "../../contract/mod.ts";
import { flag } from "../../contract/options/option_kinds.ts";
import { isBag, isPlain, or, PLAIN, readOptions, wrong } from "../../contract/options/read_options.ts";
import { suggest } from "../../contract/options/suggest.ts";
import type { Connection } from "../connection/connection.ts";

/** The second argument of a handler. */
export interface CallContext {
  /** The connection that sent it. */
  readonly conn: Connection;
  /**
   * Aborted when the client cancels it, or is gone. For a request with an id it is aborted only when the hub closes.
   */
  readonly signal: AbortSignal;
  /** The id that the client gave the request, if any. */
  readonly id: string | undefined;
}

/** A handler, without its types. */
export type Handler = (input: unknown, context: CallContext) => unknown;

const IMPLEMENT = { part: or(flag, false) };

/** The handlers for `implement`: by role, and `shared`. */
export type GivenHandlers = Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>>;

/** A handler, with its role and name. */
interface Taken {
  readonly part: string;
  readonly name: string;
  readonly handler: Handler;
}

/** The handlers of a hub. They come all at once or in parts, each only once. */
export class HandlerTable {
  readonly #contract: Contract;
  /** The declared requests and signals, by role and `shared`. */
  readonly #declared = new Map<string, ReadonlyMap<string, Entry>>();
  readonly #byRole = new Map<string, Map<string, Handler>>();
  /** The requests and signals without a handler, as `role.name`. */
  readonly #missing = new Set<string>();
  readonly #complete = Promise.withResolvers<void>();
  #hasBegun = false;
  #hasWarned = false;

  /** @param contract The contract that they implement. */
  constructor(contract: Contract) {
    this.#contract = contract;
    const shared = contract.shared.clientToServer;
    this.#declared.set("shared", shared);
    for (const [role, { clientToServer }] of contract.roles) {
      this.#declared.set(role, new Map([...clientToServer].filter(([name]) => !shared.has(name))));
      this.#byRole.set(role, new Map());
    }
    for (const [part, entries] of this.#declared) {
      for (const name of entries.keys()) this.#missing.add(keyOf(part, name));
    }
  }

  /** The handlers of a role, by name. Later parts are added to this map. */
  of(role: string): ReadonlyMap<string, Handler> {
    return this.#byRole.get(role)!;
  }

  /**
   * The requests and signals without a handler, as `role.name`. Empty before the first part: an application may have
   * no handlers.
   */
  get missing(): readonly string[] {
    return this.#hasBegun ? [...this.#missing] : [];
  }

  /**
   * A client asks for a handler that is not there. If the application has given no handler at all, it may have
   * forgotten them: this is reported once. Handlers in parts are awaited, and reported, elsewhere.
   *
   * @param name The request or signal.
   * @param report Reports an error.
   */
  absent(name: string, report: (error: TypeError) => void): void {
    if (this.#hasBegun || this.#hasWarned) return;
    this.#hasWarned = true;
    report(
      new TypeError(
        `Cannot answer "${name}": hub.implement was never called, so every request and signal gets UNAVAILABLE. Call it, or ` +
          "import the module that does",
      ),
    );
  }

  /** Resolves when no handler is missing. */
  get complete(): Promise<void> {
    return this.#complete.promise;
  }

  /**
   * Takes handlers.
   *
   * @param given The handlers, by role and `shared`.
   * @param options See `ImplementOptions`.
   * @throws {TypeError} When a handler is not a function, not in the contract or was given before; or when one is
   * missing and `part` is not `true`. Then no handler is taken.
   */
  implement(given: GivenHandlers, options?: unknown): void {
    const { part: isPart } = readOptions("implement", options, IMPLEMENT);
    checkBag(given, "the handlers", this.#declared.keys());
    for (const part of Object.keys(given)) {
      if (!this.#declared.has(part)) {
        const hint = suggest(part, this.#declared.keys());
        throw new TypeError(`Cannot implement "${part}": no role of that name, ${hint}`);
      }
    }
    const all = [...this.#declared].flatMap(([part, declared]) =>
      read(part, declared, Object.hasOwn(given, part) ? given[part] : undefined)
    );
    const left = new Set(this.#missing);
    for (const { part, name } of all) {
      if (!left.delete(keyOf(part, name))) {
        throw new TypeError(`Cannot implement "${name}" of "${part}" twice: it has a handler already`);
      }
    }
    if (!isPart && left.size > 0) throw incomplete(left);
    for (const { part, name, handler } of all) {
      this.#missing.delete(keyOf(part, name));
      for (const role of part === "shared" ? this.#contract.roles.keys() : [part]) {
        this.#byRole.get(role)!.set(name, handler);
      }
    }
    this.#hasBegun = true;
    if (left.size === 0) this.#complete.resolve();
  }
}

const keyOf = (part: string, name: string): string => `${part}.${name}`;

/** Only own names are read. If one of `names` is inherited, its handler would be skipped: this is an error. */
function checkBag(given: unknown, path: string, names: Iterable<string>): void {
  const place = { owner: "implement", path };
  if (!isBag(given)) throw wrong(given, place, "an object of handlers by name");
  const isInherited = (name: string) => name in given && !Object.hasOwn(given, name);
  if (!isPlain(given) && [...names].some(isInherited)) throw wrong(given, place, PLAIN);
}

/**
 * Some handlers are missing and `part` is not `true`. Without this error the mistake would show only at the first
 * call.
 */
function incomplete(left: ReadonlySet<string>): TypeError {
  return new TypeError(
    `Cannot implement the contract without handlers for ${
      [...left].join(", ")
    }: give them in the same call, ` +
      "or give { part: true } in each of several calls",
  );
}

function read(
  part: string,
  declared: ReadonlyMap<string, Entry>,
  given: Readonly<Record<string, unknown>> = {},
): Taken[] {
  checkBag(given, part, declared.keys());
  return Object.keys(given).map((name) => {
    if (!declared.has(name)) {
      const hint = suggest(name, declared.keys());
      throw new TypeError(`Cannot implement "${name}" of "${part}": the contract has none, ${hint}`);
    }
    const handler = given[name];
    if (typeof handler === "function") return { part, name, handler: handler as Handler };
    throw wrong(handler, { owner: "implement", path: keyOf(part, name) }, "a function");
  });
}

/**
 * Types of the web platform. If the program has the library "dom", or the types of Node, Deno or Bun, these are the
 * platform's own types. If it has only "es2022", it still compiles.
 *
 * @module
 */

/** The instance type of a global class, if that class exists. */
export type InstanceOf<Class extends string, Otherwise> = typeof globalThis extends
  { readonly [C in Class]: { readonly prototype: infer Instance } } ? Instance : Otherwise;

/** An `AbortSignal`. */
export type WebAbortSignal = InstanceOf<"AbortSignal", { readonly aborted: boolean }>;

/** A `URL`. */
export type WebUrl = InstanceOf<"URL", { readonly href: string }>;

/** A `Request`. */
export type WebRequest = InstanceOf<"Request", { readonly url: string }>;

/** A `Response`. */
export type WebResponse = InstanceOf<"Response", { readonly status: number }>;

/** A `Headers`. */
export type WebHeaders = InstanceOf<"Headers", { get(name: string): string | null }>;

/** The class `WebSocket`. */
export type WebSocketClass = typeof globalThis extends { readonly WebSocket: infer Class } ? Class : unknown;

/** The type that `await using` takes. Empty if the compiler's libraries do not include "esnext.disposable". */
export type AsyncDisposing = typeof globalThis extends { readonly Symbol: infer Keys }
  ? Keys extends { readonly asyncDispose: symbol }
    ? { readonly [Key in Keys["asyncDispose"]]: () => Promise<void> }
  : Record<never, never>
  : never;

/**
 * Types of the web platform, as far as the program that uses the package knows them: with the library "dom" or the types of Node,
 * Deno or Bun they are the platform's own. So a program with nothing but "es2022" compiles too.
 *
 * @module
 */

/** The instances of a global class, where there is one. */
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

/** What `await using` takes; nothing where the compiler's libraries do not know of it ("esnext.disposable"). */
export type AsyncDisposing = typeof globalThis extends { readonly Symbol: infer Keys }
  ? Keys extends { readonly asyncDispose: symbol }
    ? { readonly [Key in Keys["asyncDispose"]]: () => Promise<void> }
  : Record<never, never>
  : never;

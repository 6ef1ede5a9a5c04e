/**
 * The compiler checks the names of a contract's parts: an error shows the names that exist, and the one that was
 * meant. Types only.
 *
 * @module
 */

import type { NotOneOf } from "./check_handlers.ts";
import type { Suggestion } from "./did_you_mean.ts";

/** Refuses all names but those that exist. The compiler shows the one that was meant, or else all that exist. */
export type NoOthers<T, Names extends string> = {
  readonly [K in Exclude<keyof T, Names> & string]: [Suggestion<K, Names>] extends [never] ? NotOneOf<Names>
    : Suggestion<K, Names>;
};

/** A message has a payload, a request an input and an output. */
export type CheckedMessages<M> = {
  readonly [N in keyof M]: M[N] extends { readonly payload: unknown } ? NoOthers<M[N], "payload">
    : NoOthers<M[N], "input" | "output">;
};

/** A history has a size, and perhaps an age. */
export type CheckedHistory<T> = T extends { readonly history: infer H }
  ? { readonly history: NoOthers<H, "size" | "ttlMs"> }
  : unknown;

/** Topics by pattern. */
export type CheckedTopics<T> = {
  readonly [N in keyof T]: NoOthers<T[N], "payload" | "history" | "conflate"> & CheckedHistory<T[N]>;
};

/** Rooms by pattern. */
export type CheckedRooms<T> = {
  readonly [N in keyof T]: NoOthers<T[N], "history"> & CheckedHistory<T[N]>;
};

/** Presence by pattern: a schema, or an object with one. */
export type CheckedPresence<T> = {
  readonly [N in keyof T]: T[N] extends { readonly "~standard": unknown } ? unknown
    : NoOthers<T[N], "state" | "clientsSet">;
};

/** What one role, or every role, has. */
export type CheckedSurface<S> =
  & NoOthers<S, "clientToServer" | "serverToClient" | "topics">
  & {
    readonly [K in keyof S]: K extends "clientToServer" | "serverToClient" ? CheckedMessages<S[K]>
      : K extends "topics" ? CheckedTopics<S[K]>
      : unknown;
  };

/**
 * A definition that has no other parts than those that exist. For each other part there is a type in it that no
 * value has. A definition whose names the compiler does not know is not checked; `defineContract` checks it at run time.
 *
 * @typeParam D The definition that was given.
 */
export type CheckedDefinition<D extends { readonly roles: object }> = string extends keyof D["roles"]
  ? unknown
  : CheckedParts<D>;

/** See {@linkcode CheckedDefinition}. */
export type CheckedParts<D> =
  & NoOthers<D, "shared" | "roles" | "rooms" | "presence" | "serverToServer">
  & {
    readonly [K in keyof D]: K extends "shared" ? CheckedSurface<D[K]>
      : K extends "roles" ? { readonly [R in keyof D[K]]: CheckedSurface<D[K][R]> }
      : K extends "rooms" ? CheckedRooms<D[K]>
      : K extends "presence" ? CheckedPresence<D[K]>
      : K extends "serverToServer" ? CheckedMessages<D[K]>
      : unknown;
  };

/**
 * The options as `createHub` takes them: the compiler checks the names and the answers of rules apart, so that its
 * errors show what is wrong, but not the whole contract. Types only.
 *
 * @module
 */

import type {
  AnswersFault,
  AnyTopicsOf,
  ContractDefinition,
  Guard,
  KnownOptions,
  MustAnswer,
  NameFault,
  NameGuard,
  NameOf,
  ParamsOf,
  PresenceOf,
  PresenceStateInput,
  Something,
  WrongAnswers,
} from "../../contract/mod.ts";
import type { Awaitable } from "./bus.ts";
import type { AnyConnection, HubUser } from "./connection.ts";
import type { Authorization, HubBaseOptions, HubOptions, Rejoin } from "./options.ts";
import type {
  PresenceAuthorization,
  PresenceBaseOptions,
  PresenceEntering,
  PresenceKind,
  PresenceOptions,
} from "./presence_options.ts";

/** What a rule must answer. */
export type Verdict = Awaitable<boolean>;

/** What the rules of some patterns must answer. */
export type Verdicts<Patterns extends string> = { readonly [P in Patterns]: Verdict };

/** What the rules of `authorize` answer, if the compiler does not infer it. */
export type TopicVerdicts<D extends ContractDefinition> = Partial<Verdicts<NameOf<AnyTopicsOf<D>>>>;

/** What the rules of `presence.authorize` answer, if the compiler does not infer it. */
export type PlaceVerdicts<D extends ContractDefinition> = Partial<Verdicts<NameOf<PresenceOf<D>>>>;

/**
 * The rules of `authorize`.
 *
 * @typeParam A Their answers, by pattern.
 */
export type GivenTopicRules<D extends ContractDefinition, Conn, A> =
  | (
    & { readonly [P in NameOf<AnyTopicsOf<D>>]?: Something } // for completion
    & {
      readonly [P in keyof A]?:
        | (
          & (((authorization: Authorization<ParamsOf<P & string>, Conn>) => A[P]) | undefined)
          & NameGuard<P, NameOf<AnyTopicsOf<D>>>
        )
        | NameFault<P, NameOf<AnyTopicsOf<D>>>;
    }
    & Guard<WrongAnswers<A, Verdicts<NameOf<AnyTopicsOf<D>>>>>
  )
  | AnswersFault<A, Verdicts<NameOf<AnyTopicsOf<D>>>>;

/**
 * The rules of `presence.authorize`.
 *
 * @typeParam A Their answers, by pattern.
 */
export type GivenPlaceRules<D extends ContractDefinition, Conn, A> =
  | (
    & { readonly [P in NameOf<PresenceOf<D>>]?: Something }
    & {
      readonly [P in keyof A]?:
        | (
          & (((authorization: PresenceAuthorization<ParamsOf<P & string>, Conn>) => A[P]) | undefined)
          & NameGuard<P, NameOf<PresenceOf<D>>>
        )
        | NameFault<P, NameOf<PresenceOf<D>>>;
    }
    & Guard<WrongAnswers<A, Verdicts<NameOf<PresenceOf<D>>>>>
  )
  | AnswersFault<A, Verdicts<NameOf<PresenceOf<D>>>>;

/** The first states that `presence.stateOf` may answer, by pattern. */
export type FirstStates<D extends ContractDefinition> = {
  readonly [P in NameOf<PresenceOf<D>>]: PresenceStateInput<D, P> | undefined;
};

/** A state without the `readonly` that the compiler adds when it keeps literals. */
export type Writable<T> = T extends readonly unknown[] | Plainly<T>
  ? { -readonly [K in keyof T]: Writable<T[K]> }
  : T;

/** `T`, unless it is an object of a class such as `Date` or `Uint8Array`, or no object. */
export type Plainly<T> = T extends { readonly [Symbol.toStringTag]: string } | Date ? never
  : T extends object ? T
  : never;

/**
 * The functions of `presence.stateOf`.
 *
 * @typeParam A Their answers, by pattern.
 */
export type GivenStates<D extends ContractDefinition, Conn, A> =
  | (
    & { readonly [P in NameOf<PresenceOf<D>>]?: Something }
    & {
      readonly [P in keyof A]?:
        | (
          & (((entering: PresenceEntering<ParamsOf<P & string>, Conn>) => A[P]) | undefined)
          & NameGuard<P, NameOf<PresenceOf<D>>>
        )
        | NameFault<P, NameOf<PresenceOf<D>>>;
    }
    & Guard<WrongAnswers<{ [P in keyof A]: Writable<A[P]> }, FirstStates<D>>>
  )
  | AnswersFault<{ [P in keyof A]: Writable<A[P]> }, FirstStates<D>>;

/** The names of the options of a hub. */
export type HubOptionName = keyof HubOptions<ContractDefinition, undefined, undefined>;

/** The names of the options of presence. */
export type PresenceOptionName = keyof PresenceOptions<ContractDefinition, undefined, undefined>;

/** The options beside `rejoin`, in a compiler error about it. */
// Not `unknown`: it would take away what the compiler knows of the functions among them.
export type OtherOptions = { readonly [N in Exclude<HubOptionName, "rejoin">]?: Something | null };

/**
 * The options of a hub, as {@linkcode createHub} takes them.
 *
 * @typeParam D The contract's definition.
 * @typeParam User The type of a user in the answer of `authenticate`.
 * @typeParam Ctx The type of `ctx` in the answer of `authenticate`.
 * @typeParam O The names of the options that were given.
 * @typeParam Topics The answers of the rules of `authorize`, by pattern.
 * @typeParam Back The answer of `rejoin`.
 * @typeParam Presence The names of the options of presence that were given.
 * @typeParam Places The answers of the rules of `presence.authorize`, by pattern.
 * @typeParam States The answers of the functions of `presence.stateOf`, by pattern.
 */
export type GivenHubOptions<
  D extends ContractDefinition,
  User extends HubUser | undefined,
  Ctx,
  O,
  Topics,
  Back,
  Presence,
  Places,
  States,
> =
  | (
    & HubBaseOptions<D, User, Ctx>
    & GivenRules<D, User, Ctx, O, Topics, Back, Presence, Places, States>
    & KnownOptions<O, HubOptionName>
    & Guard<WrongAnswers<{ readonly rejoin: Back }, Verdicts<"rejoin">>>
  )
  | ([WrongAnswers<{ readonly rejoin: Back }, Verdicts<"rejoin">>] extends [never] ? never
    : MustAnswer<"rejoin", boolean> & OtherOptions);

/** The rules among the options of a hub; see {@linkcode GivenHubOptions}. */
export interface GivenRules<
  D extends ContractDefinition,
  User extends HubUser | undefined,
  Ctx,
  O,
  Topics,
  Back,
  Presence,
  Places,
  States,
> {
  /** Who may subscribe, by topic pattern. */
  readonly authorize?:
    | GivenTopicRules<D, AnyConnection<D, User, Ctx>, Topics>
    // Options whose type is `HubOptions`. If the compiler does not know the contract, it cannot compare the rules.
    | ([HubOptionName] extends [keyof O] ? HubOptions<D, User, Ctx>["authorize"] : never);
  /** Who gets back into a room. */
  rejoin?(rejoin: Rejoin<AnyConnection<D, User, Ctx>>): Back;
  /** Presence. */
  readonly presence?:
    | PresenceKind
    | (
      & PresenceBaseOptions
      & KnownOptions<Presence, PresenceOptionName>
      & {
        readonly authorize?: GivenPlaceRules<D, AnyConnection<D, User, Ctx>, Places>;
        readonly stateOf?: GivenStates<D, AnyConnection<D, User, Ctx>, States>;
      }
    )
    | ([PresenceOptionName] extends [keyof Presence] ? PresenceOptions<D, User, Ctx> : never);
}

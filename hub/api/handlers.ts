/**
 * What answers the requests of clients and takes their signals, and what runs around it, as users of a hub see it.
 *
 * @module
 */

import type {
  AnswerInput,
  ClientToServerOf,
  ContractDefinition,
  MessageDefinition,
  NameOf,
  NamesOf,
  ParamsOf,
  PayloadOutput,
  RequestDefinition,
  RequestParsed,
  RequestsOf,
  RoleOf,
  SignalsOf,
  SurfaceOf,
  TopicsOf,
} from "../../contract/mod.ts";
import type { Awaitable } from "./bus.ts";
import type { AnyConnection, HubConnection, HubUser } from "./connection.ts";

/** What a handler knows beside its input. */
export interface HandlerContext<Conn> {
  /** Who asks. */
  readonly conn: Conn;
  /**
   * Aborted when the client stops waiting or is gone. A request with an `id` is done to its end, even if no client
   * waits any more: its signal is aborted only when the hub closes.
   */
  readonly signal: AbortSignal;
  /** The id that the client gave the request, so that it is done once; `undefined` without one, and of signals. */
  readonly id: string | undefined;
}

/** The handlers of one surface: a function per request and signal. */
export type SurfaceHandlers<M, Conn> = {
  readonly [N in keyof M]: M[N] extends RequestDefinition
    ? (input: RequestParsed<M, N>, context: HandlerContext<Conn>) => Awaitable<AnswerInput<M, N>>
    : M[N] extends MessageDefinition
      ? (payload: PayloadOutput<M, N>, context: HandlerContext<Conn>) => Awaitable<void>
    : never;
};

/** Leaves out the surfaces on which clients send nothing. */
export type WithHandlers<H> = { readonly [K in keyof H as keyof H[K] extends never ? never : K]: H[K] };

/** What `hub.implement` takes beside handlers. */
export interface ImplementOptions<IsPart extends boolean = boolean> {
  /**
   * Whether other calls give the rest: an application in several modules has one in each.
   *
   * @default {false}
   */
  readonly part?: IsPart;
}

/** All handlers of a contract: by role, and under `shared` what every role may call. */
export type Handlers<D extends ContractDefinition, User extends HubUser, Ctx> = WithHandlers<
  & { readonly shared: SurfaceHandlers<ClientToServerOf<D["shared"]>, AnyConnection<D, User, Ctx>> }
  & {
    readonly [R in RoleOf<D>]: SurfaceHandlers<
      ClientToServerOf<SurfaceOf<D, R>>,
      HubConnection<D, R, User, Ctx>
    >;
  }
>;

/** What is known of everything that {@linkcode Hub.use} sees. */
export interface CallBase<Role extends string, Conn> {
  /** The role of the client. */
  readonly role: Role;
  /** Who asks. */
  readonly conn: Conn;
  /** Aborted when nobody waits for it any more. */
  readonly signal: AbortSignal;
}

/** A request on its way to its handler. */
export interface RequestCall<Name extends string, Input, Role extends string, Conn>
  extends CallBase<Role, Conn> {
  /** What it is. */
  readonly kind: "request";
  /** Its name in the contract. */
  readonly name: Name;
  /** What its schema made of what was sent. */
  readonly input: Input;
  /** The id that the client gave it, so that it is done once. */
  readonly id: string | undefined;
}

/** A signal on its way to its handler. */
export interface SignalCall<Name extends string, Input, Role extends string, Conn>
  extends CallBase<Role, Conn> {
  /** What it is. */
  readonly kind: "signal";
  /** Its name in the contract. */
  readonly name: Name;
  /** What its schema made of what was sent. */
  readonly input: Input;
}

/** A subscribe on its way to the rule of `authorize`. */
export interface SubscriptionCall<Pattern extends string, Role extends string, Conn>
  extends CallBase<Role, Conn> {
  /** What it is. */
  readonly kind: "subscription";
  /** The topic's pattern in the contract. */
  readonly name: Pattern;
  /** The topic's name. */
  readonly topic: NamesOf<Pattern>;
  /** The parameters of the topic's name. */
  readonly params: ParamsOf<Pattern>;
}

/** A request, signal or subscription of a client with this role. */
export type RoleCall<D extends ContractDefinition, R extends RoleOf<D>, Conn> =
  | {
    [N in NameOf<RequestsOf<D, R>>]: RequestCall<N, RequestParsed<RequestsOf<D, R>, N>, R, Conn>;
  }[NameOf<RequestsOf<D, R>>]
  | {
    [N in NameOf<SignalsOf<D, R>>]: SignalCall<N, PayloadOutput<SignalsOf<D, R>, N>, R, Conn>;
  }[NameOf<SignalsOf<D, R>>]
  | { [P in NameOf<TopicsOf<D, R>>]: SubscriptionCall<P, R, Conn> }[NameOf<TopicsOf<D, R>>];

/** A request, signal or subscription of a client. `kind` and `role` tell which. */
export type HubCall<D extends ContractDefinition, User extends HubUser, Ctx> = {
  [R in RoleOf<D>]: RoleCall<D, R, HubConnection<D, R, User, Ctx>>;
}[RoleOf<D>];

/**
 * Runs around requests, signals and subscriptions of clients.
 *
 * @param call What a client asks for.
 * @param next Goes on: with the next function that `use` was given, and at last with the handler, or the rule of `authorize`.
 * Resolves with what the handler gives back, and rejects with what it throws. To be called once.
 * @returns Nothing that counts: what `next` ends with is what becomes of the call, unless this throws.
 */
export type Middleware<D extends ContractDefinition, User extends HubUser, Ctx> = (
  call: HubCall<D, User, Ctx>,
  next: () => Promise<unknown>,
) => unknown;

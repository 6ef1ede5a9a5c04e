/**
 * The types of handlers and of middleware, for users of a hub. Handlers answer the requests of clients and take their
 * signals.
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

/** The second argument of a handler. */
export interface HandlerContext<Conn> {
  /** The connection that sent it. */
  readonly conn: Conn;
  /**
   * Aborted when the client stops waiting or is gone. A request with an `id` always runs to its end, even when the
   * client stops waiting. The hub aborts its signal only when the hub closes.
   */
  readonly signal: AbortSignal;
  /** The id that the client gave the request, so that it is done once; `undefined` without an id, and for signals. */
  readonly id: string | undefined;
}

/** The handlers of one surface: a function per request and signal. */
export type SurfaceHandlers<M, Conn> = {
  readonly [N in keyof M]: M[N] extends RequestDefinition
    ? (input: RequestParsed<M, N>, context: HandlerContext<Conn>) => Awaitable<AnswerInput<M, N>>
    : M[N] extends MessageDefinition
      ? (payload: PayloadOutput<M, N>, context: HandlerContext<Conn>) => unknown // nobody gets it: a signal has no answer
    : never;
};

/** Leaves out the surfaces on which clients send nothing. */
export type WithHandlers<H> = { readonly [K in keyof H as keyof H[K] extends never ? never : K]: H[K] };

/** Options of `hub.implement`. */
export interface ImplementOptions<IsPart extends boolean = boolean> {
  /**
   * Whether other calls give the other handlers. An application with several modules may make one call in each.
   *
   * @default {false}
   */
  readonly part?: IsPart;
}

/** All handlers of a contract: by role, and under `shared` those that every role may call. */
export type Handlers<D extends ContractDefinition, User extends HubUser | undefined, Ctx> = WithHandlers<
  & { readonly shared: SurfaceHandlers<ClientToServerOf<D["shared"]>, AnyConnection<D, User, Ctx>> }
  & {
    readonly [R in RoleOf<D>]: SurfaceHandlers<
      ClientToServerOf<SurfaceOf<D, R>>,
      HubConnection<D, R, User, Ctx>
    >;
  }
>;

/** The common part of all calls that {@linkcode Hub.use} gives to its functions. */
export interface CallBase<Role extends string, Conn> {
  /** The role of the client. */
  readonly role: Role;
  /** The connection of the client. */
  readonly conn: Conn;
  /** Aborted when the result is no longer needed. */
  readonly signal: AbortSignal;
}

/** A request on its way to its handler. */
export interface RequestCall<Name extends string, Input, Role extends string, Conn>
  extends CallBase<Role, Conn> {
  /** The kind of the call. */
  readonly kind: "request";
  /** Its name in the contract. */
  readonly name: Name;
  /** The input, parsed by its schema. */
  readonly input: Input;
  /** The id that the client gave the request, so that it is done once. */
  readonly id: string | undefined;
}

/** A signal on its way to its handler. */
export interface SignalCall<Name extends string, Input, Role extends string, Conn>
  extends CallBase<Role, Conn> {
  /** The kind of the call. */
  readonly kind: "signal";
  /** Its name in the contract. */
  readonly name: Name;
  /** The payload, parsed by its schema. */
  readonly input: Input;
}

/** A subscribe on its way to the rule of `authorize`. */
export interface SubscriptionCall<Pattern extends string, Role extends string, Conn>
  extends CallBase<Role, Conn> {
  /** The kind of the call. */
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
export type HubCall<D extends ContractDefinition, User extends HubUser | undefined, Ctx> = {
  [R in RoleOf<D>]: RoleCall<D, R, HubConnection<D, R, User, Ctx>>;
}[RoleOf<D>];

/**
 * Runs around requests, signals and subscriptions of clients.
 *
 * @param call The client's request, signal or subscription.
 * @param next Runs the next function that `use` was given. After the last function it runs the handler, or the rule
 * of `authorize`. Resolves with the handler's result, and rejects with its error. Call it once.
 * @returns Ignored. The result of `next` is the result of the call, unless this function throws.
 */
export type Middleware<D extends ContractDefinition, User extends HubUser | undefined, Ctx> = (
  call: HubCall<D, User, Ctx>,
  next: () => Promise<unknown>,
) => unknown;

/**
 * From a contract's definition to the types that the application sees.
 *
 * @module
 */

import type {
  ContractDefinition,
  HistoryDefinition,
  MessageDefinition,
  RequestDefinition,
} from "./definition.ts";
import type { Plain } from "./names/did_you_mean.ts";
import type { NamesOf, ParamsOf, PatternOf } from "./pattern.ts";
import type { InputOf, OutputOf } from "./standard_schema.ts";

/** A record without entries. */
export type None = Record<never, never>;

/** A part of a surface, or nothing. */
export type Part<S, K extends string> = S extends { readonly [P in K]: infer T } ? T : None;

/** A part of a role's surface: the shared part and the role's own. */
export type PartOf<D extends ContractDefinition, R extends RoleOf<D>, K extends string> =
  & Part<D["shared"], K>
  & Part<SurfaceOf<D, R>, K>;

/** The surface that belongs to one role alone. */
export type SurfaceOf<D extends ContractDefinition, R extends RoleOf<D>> = D["roles"][R & keyof D["roles"]];

/** One part of all roles together, with the shared one. */
export type PartOfAny<D extends ContractDefinition, K extends string> = Merge<
  Part<D["shared"], K> | { [R in keyof D["roles"]]: Part<D["roles"][R], K> }[keyof D["roles"]]
>;

/** Turns a union of records into one record. */
export type Merge<U> = {
  [K in U extends unknown ? keyof U : never]: U extends { readonly [P in K]: infer T } ? T : never;
};

/** The entries that have a payload. */
export type Messages<M> = { [N in keyof M as M[N] extends MessageDefinition ? N : never]: M[N] };

/** The entries that have an input and an output. */
export type Requests<M> = { [N in keyof M as M[N] extends RequestDefinition ? N : never]: M[N] };

/** The string keys of a record. */
export type Names<M> = keyof M & string;

/** The roles of a contract. */
export type RoleOf<D extends ContractDefinition> = NameOf<D["roles"]>;

/** The events that a role can receive, by name. */
export type EventsOf<D extends ContractDefinition, R extends RoleOf<D>> = Messages<
  PartOf<D, R, "serverToClient">
>;

/** The events of all roles, by name. */
export type AnyEventsOf<D extends ContractDefinition> = Messages<PartOfAny<D, "serverToClient">>;

/** The events that every role has, by name. */
export type SharedEventsOf<D extends ContractDefinition> = Messages<Part<D["shared"], "serverToClient">>;

/** The requests that a client of a role must answer, by name. */
export type QuestionsOf<D extends ContractDefinition, R extends RoleOf<D>> = Requests<
  PartOf<D, R, "serverToClient">
>;

/** The server → client requests of all roles, by name. */
export type AnyQuestionsOf<D extends ContractDefinition> = Requests<PartOfAny<D, "serverToClient">>;

/** The signals that a role can send, by name. */
export type SignalsOf<D extends ContractDefinition, R extends RoleOf<D>> = Messages<
  PartOf<D, R, "clientToServer">
>;

/** The requests that a role can send, by name. */
export type RequestsOf<D extends ContractDefinition, R extends RoleOf<D>> = Requests<
  PartOf<D, R, "clientToServer">
>;

/** Everything that clients of one surface send, by name. For the types of handlers. */
export type ClientToServerOf<S> = Part<S, "clientToServer">;

/** The topics of a role, the shared ones included, by pattern. */
export type TopicsOf<D extends ContractDefinition, R extends RoleOf<D>> = PartOf<D, R, "topics">;

/** The topics that every role has, by pattern. */
export type SharedTopicsOf<D extends ContractDefinition> = Part<D["shared"], "topics">;

/** The topics that belong to one role alone, by pattern. */
export type OwnTopicsOf<D extends ContractDefinition, R extends RoleOf<D>> = Part<
  SurfaceOf<D, R>,
  "topics"
>;

/** The topics of all roles and the shared ones, by pattern. */
export type AnyTopicsOf<D extends ContractDefinition> = PartOfAny<D, "topics">;

/** The topics of a set that keep history, by pattern. */
export type HistoryTopicsOf<T> = {
  [P in keyof T as T[P] extends { readonly history: HistoryDefinition } ? P : never]: T[P];
};

/** The concrete names that fit a set of topics: `` `ticker/${string}` `` for `ticker/:symbol`. */
export type TopicNames<T> = Plain<NamesOf<Names<T>>>;

/** The declaration that fits a concrete name. */
export type TopicAt<T, N extends string> = T[PatternOf<Names<T>, N> & keyof T];

/** What a publisher gives to a topic. */
export type TopicInput<T, N extends string> = InputOf<PayloadOf<TopicAt<T, N>>>;

/** What a subscriber gets from a topic. */
export type TopicOutput<T, N extends string> = OutputOf<PayloadOf<TopicAt<T, N>>>;

/** Whether a topic keeps history. */
export type KeepsHistory<T, N extends string> = TopicAt<T, N> extends { readonly history: HistoryDefinition }
  ? true
  : false;

/** The parameters of every topic pattern: `{ "ticker/:symbol": { symbol: string } }`. */
export type TopicParams<T> = { readonly [P in Names<T>]: ParamsOf<P> };

/** The schema under `payload`. */
export type PayloadOf<E> = E extends { readonly payload: infer S } ? S : never;

/** The payload that the sender of a message gives. */
export type PayloadInput<M, N extends PropertyKey> = InputOf<PayloadOf<M[N & keyof M]>>;

/** The payload that the receiver of a message gets. */
export type PayloadOutput<M, N extends PropertyKey> = OutputOf<PayloadOf<M[N & keyof M]>>;

/** What the caller of a request gives. */
export type RequestInput<M, N extends PropertyKey> = M[N & keyof M] extends { readonly input: infer S }
  ? InputOf<S>
  : never;

/** What the handler of a request gets. */
export type RequestParsed<M, N extends PropertyKey> = M[N & keyof M] extends { readonly input: infer S }
  ? OutputOf<S>
  : never;

/** What the handler of a request returns. */
export type AnswerInput<M, N extends PropertyKey> = M[N & keyof M] extends { readonly output: infer S }
  ? InputOf<S>
  : never;

/** What the caller of a request gets. */
export type AnswerOutput<M, N extends PropertyKey> = M[N & keyof M] extends { readonly output: infer S }
  ? OutputOf<S>
  : never;

/** The messages between nodes, by name. */
export type BusOf<D extends ContractDefinition> = Part<D, "serverToServer">;

/** The bus events of a contract, by name. */
export type BusEventsOf<D extends ContractDefinition> = Messages<BusOf<D>>;

/** The bus requests of a contract, by name. */
export type BusRequestsOf<D extends ContractDefinition> = Requests<BusOf<D>>;

/** The rooms and topics where a contract keeps presence, by pattern. */
export type PresenceOf<D extends ContractDefinition> = Part<D, "presence">;

/** The concrete names of the rooms and topics with presence. */
export type PresenceNames<D extends ContractDefinition> = Plain<
  NamesOf<Names<PresenceOf<D>>>
>;

/** The name of a room or topic, from a name or from `{ topic: name }`. */
export type NameOfPlace<P> = P extends { readonly topic: infer N extends string } ? N : P & string;

/** The schema of the member states in a room or topic. */
export type PresenceSchemaAt<D extends ContractDefinition, N extends string> =
  PresenceOf<D>[PatternOf<Names<PresenceOf<D>>, N> & keyof PresenceOf<D>] extends infer P
    ? P extends { readonly state: infer S } ? S : P
    : never;

/** What a caller gives to set the state of a member. */
export type PresenceStateInput<D extends ContractDefinition, N extends string> = InputOf<
  PresenceSchemaAt<D, N>
>;

/** The state of a member, parsed. */
export type PresenceState<D extends ContractDefinition, N extends string> = OutputOf<PresenceSchemaAt<D, N>>;

/** The rooms of a contract that keep history, by pattern. */
export type RoomsOf<D extends ContractDefinition> = Part<D, "rooms">;

/**
 * Whether a room keeps history. If the name is only known at run time: `boolean` if some room keeps history, else
 * `false`.
 */
export type RoomKeepsHistory<D extends ContractDefinition, N extends string> = [Names<RoomsOf<D>>] extends
  [never] ? false
  : string extends N ? boolean
  : N extends string ? [PatternOf<Names<RoomsOf<D>>, N>] extends [never] ? false : true
  : never;

/** The names of a record of entries, resolved early, so that compiler errors show the names and not a long type. */
export type NameOf<M> = [M] extends [infer Entries] ? keyof Entries & string : never;

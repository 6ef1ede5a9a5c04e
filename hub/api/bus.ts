/**
 * The types of bus messages between nodes, for users of a hub.
 *
 * @module
 */

import type {
  AnswerInput,
  BusEventsOf,
  BusRequestsOf,
  ContractDefinition,
  NameOf,
  PayloadOutput,
  RequestParsed,
  WebAbortSignal,
} from "../../contract/mod.ts";
import type { MissingNode } from "./cluster.ts";

/** A value, now or later. */
export type Awaitable<T> = T | Promise<T>;

/** The answers of the other nodes. */
export interface Gathered<T> {
  /** The answers, by the id of the node. */
  readonly answers: ReadonlyMap<string, T>;
  /** The nodes that gave no answer, and why: they were late, failed, or left. */
  readonly missing: readonly MissingNode[];
}

/** The second argument of a listener of bus events. */
export interface BusContext {
  /** The id of the node that sent it. */
  readonly from: string;
}

/** The second argument of a listener of bus requests. */
export interface BusRequestContext extends BusContext {
  /** Aborted when the asking node gives up, or is gone. */
  readonly signal: WebAbortSignal;
}

/** A listener of a bus event. */
export type BusEventListener<D extends ContractDefinition, N extends string> = (
  payload: PayloadOutput<BusEventsOf<D>, N>,
  context: BusContext,
) => Awaitable<void>;

/** Answers a bus request. */
export type BusRequestListener<D extends ContractDefinition, N extends string> = (
  input: RequestParsed<BusRequestsOf<D>, N>,
  context: BusRequestContext,
) => Awaitable<AnswerInput<BusRequestsOf<D>, N>>;

/** A listener of a bus event, or the function that answers a bus request. */
export type BusListener<D extends ContractDefinition, N extends string> = [N] extends [NameOf<BusEventsOf<D>>]
  ? BusEventListener<D, N>
  : [N] extends [NameOf<BusRequestsOf<D>>] ? BusRequestListener<D, N>
  : BusEventListener<D, N>;

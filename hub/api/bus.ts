/**
 * What nodes say to each other, as users of a hub see it.
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
  /** By node. */
  readonly answers: ReadonlyMap<string, T>;
  /** The nodes that gave no answer, and why: those that were late, failed, or left meanwhile. */
  readonly missing: readonly MissingNode[];
}

/** Where a bus message came from. */
export interface BusContext {
  /** The node. */
  readonly from: string;
}

/** What is known of a bus request. */
export interface BusRequestContext extends BusContext {
  /** Aborted when the node that asks gives up, or is gone. */
  readonly signal: WebAbortSignal;
}

/** What is called for a bus event. */
export type BusEventListener<D extends ContractDefinition, N extends string> = (
  payload: PayloadOutput<BusEventsOf<D>, N>,
  context: BusContext,
) => Awaitable<void>;

/** What answers a bus request. */
export type BusRequestListener<D extends ContractDefinition, N extends string> = (
  input: RequestParsed<BusRequestsOf<D>, N>,
  context: BusRequestContext,
) => Awaitable<AnswerInput<BusRequestsOf<D>, N>>;

/** What is called for a bus event, or answers a bus request. */
export type BusListener<D extends ContractDefinition, N extends string> = [N] extends [NameOf<BusEventsOf<D>>]
  ? BusEventListener<D, N>
  : [N] extends [NameOf<BusRequestsOf<D>>] ? BusRequestListener<D, N>
  : BusEventListener<D, N>;

/**
 * The types of handlers that answer the server.
 *
 * @module
 */

import type {
  AnswerInput,
  ContractDefinition,
  QuestionsOf,
  RequestParsed,
  RoleOf,
  WebAbortSignal,
} from "../../contract/mod.ts";

/** The second argument of a handler for a server's request. */
export interface QuestionContext {
  /** Aborts when the server no longer waits for the answer, or when the link is lost. */
  readonly signal: WebAbortSignal;
}

/** A handler for each request that the server may send to a role. */
export type QuestionHandlers<D extends ContractDefinition, R extends RoleOf<D>> = {
  readonly [N in keyof QuestionsOf<D, R>]: (
    input: RequestParsed<QuestionsOf<D, R>, N>,
    context: QuestionContext,
  ) => AnswerInput<QuestionsOf<D, R>, N> | Promise<AnswerInput<QuestionsOf<D, R>, N>>;
};

/**
 * Answering the server.
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

/** What a handler of a server's request gets beside the question. */
export interface QuestionContext {
  /** Aborted when the server no longer waits for the answer, or the link is lost. */
  readonly signal: WebAbortSignal;
}

/** A handler for each request that the server may send to a role. */
export type QuestionHandlers<D extends ContractDefinition, R extends RoleOf<D>> = {
  readonly [N in keyof QuestionsOf<D, R>]: (
    input: RequestParsed<QuestionsOf<D, R>, N>,
    context: QuestionContext,
  ) => AnswerInput<QuestionsOf<D, R>, N> | Promise<AnswerInput<QuestionsOf<D, R>, N>>;
};

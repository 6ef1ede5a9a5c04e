/**
 * Asking the application whether a client may subscribe. Only `true` allows, within a time.
 *
 * @module
 */

import { HubError, kindOf, promiseOf } from "../../contract/mod.ts";
import { Abortable } from "../connection/abortable.ts";
import type { Connection } from "../connection/connection.ts";
import type { Topic } from "../topics/catalog.ts";
import type { SessionContext } from "./session_context.ts";

/** A rule of `authorize`, its types forgotten. */
type Rule = (asked: Authorizing) => unknown;

/** One question to a rule, as the rule sees it. Aborted when nobody waits for the answer any more. */
export class Authorizing extends Abortable {
  readonly params: Readonly<Record<string, string>>;
  readonly topic: string;
  readonly conn: Connection;
  #giveUp: ((reason: Error) => void) | undefined;

  /**
   * @param topic What the client wants to subscribe to.
   * @param conn The client.
   */
  constructor({ params, name }: Topic, conn: Connection) {
    super();
    this.params = Object.assign(Object.create(null), params); // a rule that changes them decides for nobody else
    this.topic = name;
    this.conn = conn;
  }

  /**
   * Asks.
   *
   * @param rule The rule.
   * @param pattern The rule's name.
   * @param context What all sessions share.
   * @returns A promise where the rule takes its time.
   * @throws {HubError} `FORBIDDEN`, `TIMEOUT`, or whatever the rule throws; at once or by the promise.
   */
  ask(rule: Rule, pattern: string, context: SessionContext): void | Promise<void> {
    const answer = rule(this);
    const later = promiseOf(answer);
    if (!later) return this.#judge(answer, pattern, context);
    return this.#within(later, pattern, context).then((answer) => this.#judge(answer, pattern, context));
  }

  /** Nobody waits any more, not even for the rule to end. */
  end(reason: Error): void {
    this.#giveUp?.(reason);
    this.abort(reason);
  }

  #judge(answer: unknown, pattern: string, context: SessionContext): void {
    if (answer === true) return;
    if (answer !== false) {
      this.#report(
        new TypeError(
          `The rule "${pattern}" of authorize answered ${kindOf(answer)}: only true lets in, false refuses`,
        ),
        context,
      );
    }
    throw new HubError("FORBIDDEN", `Not allowed to subscribe to "${this.topic}"`);
  }

  /** A rule that never answers must not hold a place for ever. */
  #within(answer: Promise<unknown>, pattern: string, context: SessionContext): Promise<unknown> {
    const { authorizeTimeoutMs: ms, options: { clock } } = context;
    return new Promise((resolve, reject) => {
      const stop = clock.after(ms, () => {
        const rule = `The rule "${pattern}" of authorize has not answered within ${ms} ms`;
        this.#report(new HubError("TIMEOUT", rule), context);
        this.end(
          new HubError("TIMEOUT", `Not decided within ${ms} ms who may subscribe to "${this.topic}"`),
        );
      }, { background: true });
      this.#giveUp = (reason) => {
        stop();
        reject(reason);
      };
      answer.finally(stop).then(resolve, reject);
    });
  }

  #report(error: Error, { onError }: SessionContext): void {
    onError(error, { stage: "handler", name: this.topic, connectionId: this.conn.id });
  }
}

/**
 * The rule for a topic, if the application has one.
 *
 * @param topic The topic.
 * @param context What all sessions share.
 */
export function ruleFor({ entry: { pattern } }: Topic, context: SessionContext): Rule | undefined {
  const rules = context.options.authorize as Readonly<Record<string, Rule | undefined>> | undefined;
  return rules && Object.hasOwn(rules, pattern) ? rules[pattern] : undefined;
}

/**
 * Asks a rule of the application whether a client may do something. Only `true` allows, and only in time.
 *
 * @module
 */

import { HubError, kindOf, promiseOf } from "../../contract/mod.ts";
import { Abortable } from "../connection/abortable.ts";
import type { Connection } from "../connection/connection.ts";
import type { Topic } from "../topics/catalog.ts";
import type { SessionContext } from "./session_context.ts";

/** A rule of the application, without its types. */
export type Rule = (asked: never) => unknown;

/** The question of a rule, for errors. */
export interface Decided {
  /** The action of the client, for example `subscribe to`. */
  readonly what: string;
  /** The name of the topic or room. */
  readonly name: string;
  /** The rule, as an option of the hub. */
  readonly option: string;
}

/** One question to a rule, as the rule sees it. Aborted when the answer is no longer needed. */
export class Authorizing extends Abortable {
  readonly params: Readonly<Record<string, string>>;
  readonly conn: Connection;
  #giveUp: ((reason: Error) => void) | undefined;

  /**
   * @param params The parameters in the name.
   * @param conn The client.
   */
  constructor(params: Readonly<Record<string, string>>, conn: Connection) {
    super();
    this.params = copy(params);
    this.conn = conn;
  }

  /**
   * Asks the rule.
   *
   * @param rule The rule.
   * @param decided The question, for errors.
   * @param context The shared context of all sessions.
   * @returns A promise when the rule takes time.
   * @throws {HubError} `FORBIDDEN`, `TIMEOUT`, or the error that the rule throws: at once or by the promise.
   */
  ask(rule: Rule, decided: Decided, context: SessionContext): void | Promise<void> {
    return this.decide(rule, decided, context, (later) => this.within(later, decided, context));
  }

  /** Asks without a time limit, unless `bound` sets one. */
  protected decide(
    rule: Rule,
    decided: Decided,
    context: SessionContext,
    bound: (later: Promise<unknown>) => Promise<unknown> = (later) => later,
  ): void | Promise<void> {
    const answer = rule(this as never);
    const later = promiseOf(answer);
    if (!later) return this.#judge(answer, decided, context);
    return bound(later).then((answer) => this.#judge(answer, decided, context));
  }

  /** Stops waiting for the answer, even if the rule still runs, and aborts the question. */
  end(reason: Error): void {
    this.#giveUp?.(reason);
    this.abort(reason);
  }

  #judge(answer: unknown, { what, name, option }: Decided, context: SessionContext): void {
    if (answer === true) return;
    if (answer !== false) {
      this.#report(
        new TypeError(`The rule ${option} answered ${kindOf(answer)}: only true allows, false refuses`),
        name,
        context,
      );
    }
    throw new HubError("FORBIDDEN", `Not allowed to ${what} "${name}"`);
  }

  /** Limits the time of an answer. Otherwise a rule that never answers would hold a place for ever. */
  protected within<T>(
    answer: Promise<T>,
    { what, name, option }: Decided,
    context: SessionContext,
  ): Promise<T> {
    const { authorizeTimeoutMs: ms, options: { clock } } = context;
    return new Promise((resolve, reject) => {
      const stop = clock.after(ms, () => {
        const rule = `The rule ${option} has not answered within ${ms} ms (authorizeTimeoutMs)`;
        this.#report(new HubError("TIMEOUT", rule), name, context);
        this.end(new HubError("TIMEOUT", `Cannot ${what} "${name}": not decided within ${ms} ms`));
      }, { background: true });
      this.#giveUp = (reason) => {
        stop();
        reject(reason);
      };
      answer.finally(stop).then(resolve, reject);
    });
  }

  #report(error: Error, name: string, { onError }: SessionContext): void {
    onError(error, { stage: "handler", name, connectionId: this.conn.id });
  }
}

/** Each rule gets a copy: if it changes its parameters, other rules do not see it. */
function copy(params: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.assign(Object.create(null), params);
}

/** Asks whether a client may subscribe to a topic. */
export class TopicAuthorizing extends Authorizing {
  readonly topic: string;
  readonly #topic: Topic;

  /**
   * @param topic The topic.
   * @param conn The client.
   */
  constructor(topic: Topic, conn: Connection) {
    super(topic.params, conn);
    this.topic = topic.name;
    this.#topic = topic;
  }

  /** Asks the rule, if there is one, inside the functions of `hub.use`. */
  override ask(rule: Rule | undefined, decided: Decided, context: SessionContext): void | Promise<void> {
    const { middlewares } = context;
    if (!middlewares.some) return rule && super.ask(rule, decided, context);
    const { conn, topic } = this;
    const { params, entry: { pattern } } = this.#topic;
    const signal = () => this.signal;
    const info = {
      kind: "subscription" as const,
      name: pattern,
      topic,
      params: copy(params),
      role: conn.role,
      conn,
      get signal() {
        return signal();
      },
    };
    const decision = middlewares.around(info, () => rule && this.decide(rule, decided, context));
    const option = `${decided.option}, or a function of hub.use,`;
    return this.within(decision, { ...decided, option }, context).then(() => {});
  }
}

/** Asks whether a client may see the members of a room or topic. */
export class PresenceAuthorizing extends Authorizing {
  readonly name: string;

  /**
   * @param place The room or topic.
   * @param conn The client.
   */
  constructor({ params, name }: Pick<Topic, "params" | "name">, conn: Connection) {
    super(params, conn);
    this.name = name;
  }
}

/**
 * The rule of a pattern, if the application has one.
 *
 * @param rules The rules by pattern, if there are any.
 * @param pattern The pattern.
 */
export function ruleOf(rules: object | undefined, pattern: string): Rule | undefined {
  return rules && Object.hasOwn(rules, pattern)
    ? (rules as Readonly<Record<string, Rule>>)[pattern]
    : undefined;
}

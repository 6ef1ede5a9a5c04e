/**
 * Asking the application whether a client may have what it asks for. Only `true` allows, within a time.
 *
 * @module
 */

import { HubError, kindOf, promiseOf } from "../../contract/mod.ts";
import { Abortable } from "../connection/abortable.ts";
import type { Connection } from "../connection/connection.ts";
import type { Topic } from "../topics/catalog.ts";
import type { SessionContext } from "./session_context.ts";

/** A rule of the application's, its types forgotten. */
export type Rule = (asked: never) => unknown;

/** What a rule decides about, for errors. */
export interface Decided {
  /** What the client wants to do: `subscribe to`. */
  readonly what: string;
  /** With what by name. */
  readonly name: string;
  /** The rule, as an option of the hub. */
  readonly option: string;
}

/** One question to a rule, as the rule sees it. Aborted when nobody waits for the answer any more. */
export class Authorizing extends Abortable {
  readonly params: Readonly<Record<string, string>>;
  readonly conn: Connection;
  #giveUp: ((reason: Error) => void) | undefined;

  /**
   * @param params The parameters of the name that is asked for.
   * @param conn The client.
   */
  constructor(params: Readonly<Record<string, string>>, conn: Connection) {
    super();
    this.params = copy(params);
    this.conn = conn;
  }

  /**
   * Asks.
   *
   * @param rule The rule.
   * @param decided What it decides about.
   * @param context What all sessions share.
   * @returns A promise where the rule takes its time.
   * @throws {HubError} `FORBIDDEN`, `TIMEOUT`, or whatever the rule throws; at once or by the promise.
   */
  ask(rule: Rule, decided: Decided, context: SessionContext): void | Promise<void> {
    return this.decide(rule, decided, context, (later) => this.within(later, decided, context));
  }

  /** Asks without a limit of time, but for what `bound` sets. */
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

  /** Nobody waits any more, not even for the rule to end. */
  end(reason: Error): void {
    this.#giveUp?.(reason);
    this.abort(reason);
  }

  #judge(answer: unknown, { what, name, option }: Decided, context: SessionContext): void {
    if (answer === true) return;
    if (answer !== false) {
      this.#report(
        new TypeError(`The rule ${option} answered ${kindOf(answer)}: only true lets in, false refuses`),
        name,
        context,
      );
    }
    throw new HubError("FORBIDDEN", `Not allowed to ${what} "${name}"`);
  }

  /** A rule that never answers must not hold a place for ever. */
  protected within<T>(
    answer: Promise<T>,
    { what, name, option }: Decided,
    context: SessionContext,
  ): Promise<T> {
    const { authorizeTimeoutMs: ms, options: { clock } } = context;
    return new Promise((resolve, reject) => {
      const stop = clock.after(ms, () => {
        const rule = `The rule ${option} has not answered within ${ms} ms`;
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

/** A rule that changes its parameters decides for nobody else. */
function copy(params: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.assign(Object.create(null), params);
}

/** The question whether a client may subscribe to a topic. */
export class TopicAuthorizing extends Authorizing {
  readonly topic: string;
  readonly #topic: Topic;

  /**
   * @param topic What the client wants to subscribe to.
   * @param conn The client.
   */
  constructor(topic: Topic, conn: Connection) {
    super(topic.params, conn);
    this.topic = topic.name;
    this.#topic = topic;
  }

  /** Asks the rule, if there is one, within whatever the application runs around it. */
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

/** The question whether a client may see who is in a room or topic. */
export class PresenceAuthorizing extends Authorizing {
  readonly name: string;

  /**
   * @param place What the client wants to look at.
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

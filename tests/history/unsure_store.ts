/**
 * A store of histories that refuses, forgets to answer, and lets others overtake, by lot.
 *
 * @module
 */

import { HubError } from "@trunkline/hub";
import type { HistoryStore } from "@trunkline/hub/adapters/history-store";
import type { Random } from "../load/random.ts";
import { turn } from "../hub/wires.ts";

/** The result of an append. */
type Fate = "kept" | "late" | "refused" | "lost" | "unanswered";

/** The fates, the good ones as often as the bad ones. */
const FATES: readonly Fate[] = ["kept", "kept", "late", "late", "refused", "lost", "unanswered"];

/** Every append as it was asked for, and what became of it. */
export interface Attempt {
  readonly id: string | undefined;
  readonly fate: Fate;
}

/**
 * Makes one.
 *
 * @param inner Where the messages are.
 * @param random Where the fates come from.
 * @param attempts Is filled with what became of each append.
 */
export function unsureStore(inner: HistoryStore, random: Random, attempts: Attempt[] = []): HistoryStore {
  const broken = () => new HubError("UNCERTAIN", "The link broke");
  return {
    name: "unsure",
    publishes: inner.publishes,
    tellsKnown: inner.tellsKnown,
    async append(channel, data, options) {
      const fate = random.pick(FATES);
      attempts.push({ id: options.idempotencyKey, fate });
      if (fate === "refused") throw new HubError("UNAVAILABLE", "The store takes nothing");
      if (fate === "lost") throw broken();
      if (fate === "late") { for (let turns = 1 + random.below(4); turns > 0; turns--) await turn(); }
      const position = await inner.append(channel, data, options);
      if (fate === "unanswered") throw broken();
      return position;
    },
    async read(channel, options) {
      if (random.oneIn(4)) await turn();
      return await inner.read(channel, options);
    },
  };
}

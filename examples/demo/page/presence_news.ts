/**
 * Tells screen readers who has joined and who has left. Many changes at once become one sentence.
 *
 * @module
 */

import { byId } from "./dom.ts";
import type { Deed } from "./room_presence.ts";

/** Changes within so many milliseconds are told together. */
const GATHER_MS = 500;
/** At most so many people are named. */
const NAMED = 3;

const VERBS: Readonly<Record<Deed, string>> = {
  joined: "joined",
  left: "left",
  moved: "moved to another node",
};

/** Tells the news. */
export class PresenceNews {
  readonly #place = byId("presence-news");
  /** The last change of each person; earlier changes are not told. */
  readonly #waiting = new Map<string, string>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Tells a change of a person soon. */
  tell(deed: Deed, who: string): void {
    this.#waiting.set(who, VERBS[deed]);
    this.#timer ??= setTimeout(() => this.#say(), GATHER_MS);
  }

  #say(): void {
    this.#timer = undefined;
    const byVerb = Map.groupBy(this.#waiting.keys(), (who) => this.#waiting.get(who)!);
    const sentences = [...byVerb].map(([verb, names]) => `${namesOf(names)} ${verb}.`);
    this.#waiting.clear();
    this.#place.textContent = sentences.join(" ");
  }
}

/** "Ann", "Ann and Bob", "12 people". */
export function namesOf(names: readonly string[]): string {
  if (names.length > NAMED) return `${names.length} people`;
  return new Intl.ListFormat("en").format(names);
}

/**
 * Who has come and who has left, in words, for those who hear the page: flocks in one sentence.
 *
 * @module
 */

import { byId } from "./dom.ts";
import type { Deed } from "./room_presence.ts";

/** News of so many milliseconds is told together. */
const GATHER_MS = 500;
/** So many are named. */
const NAMED = 3;

const VERBS: Readonly<Record<Deed, string>> = {
  joined: "joined",
  left: "left",
  moved: "moved to another node",
};

/** Tells the news. */
export class PresenceNews {
  readonly #place = byId("presence-news");
  /** By who: only what became of them in the end is news. */
  readonly #waiting = new Map<string, string>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Tells soon what somebody has done. */
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

/**
 * All that a client watches, and the states that it has set of itself.
 *
 * @module
 */

import {
  HubError,
  type PresenceBy,
  type PresencePlace,
  type WhoChange,
  wirePlace,
} from "../../contract/mod.ts";
import { suggest } from "../../contract/options/suggest.ts";
import type { ClientExtension, ClientParts } from "../client.ts";
import { checkPresence } from "./check_presence.ts";
import { View } from "./view.ts";
import { Watch } from "./watch.ts";

/** A state of this client's own. */
interface Own {
  readonly state: unknown;
  /** Whether it was set on this connection. */
  set: boolean;
}

/** What is watched, by place and by whom to count as one. */
export class Watches implements ClientExtension {
  readonly #parts: ClientParts;
  readonly #watches = new Map<string, Watch>();
  /** By place. */
  readonly #own = new Map<string, Own>();

  /** @param parts The client's. */
  constructor(parts: ClientParts) {
    this.#parts = parts;
  }

  /**
   * Opens a view; all of the same share a watch.
   *
   * @param given The place.
   * @param by Whom to count as one.
   * @param signal Closes the view.
   * @throws {HubError} `NOT_FOUND` when the contract keeps no presence there.
   */
  view(given: PresencePlace, by: PresenceBy, signal: AbortSignal | undefined): View {
    const parts = this.#parts;
    const name = typeof given === "string" ? given : given.topic;
    const declared = parts.contract.presence.find(name)?.value;
    if (!declared) {
      const patterns = Object.keys(parts.contract.definition.presence ?? {});
      throw new HubError(
        "NOT_FOUND",
        `The contract keeps no presence of "${name}": ${suggest(name, patterns)}`,
      );
    }
    const place = wirePlace(given);
    const key = `${by} ${place}`;
    const known = this.#watches.get(key);
    const watch = known ?? new Watch({ place, name, by, declared }, parts, () => this.#forget(key, place));
    const view = new View(watch, parts, signal, (state, asked) => this.#set(place, state, asked));
    const { closed } = parts.requests;
    if (closed) {
      view.fail(closed);
      return view;
    }
    watch.views.add(view);
    if (known) return view;
    this.#watches.set(key, watch);
    watch.ask();
    return view;
  }

  opened(): void {
    for (const [place, own] of this.#own) this.#setAgain(place, own);
    for (const watch of [...this.#watches.values()]) watch.ask();
  }

  who(place: string, by: PresenceBy, change: WhoChange): void {
    this.#watches.get(`${by} ${place}`)?.take(change);
  }

  lost(): void {
    for (const own of this.#own.values()) own.set = false;
    for (const watch of this.#watches.values()) watch.lost();
  }

  close(error: HubError): void {
    for (const watch of [...this.#watches.values()]) watch.end(error);
  }

  /** Keeps a state once it is set. The one before does not go out behind it, unless it fails. */
  #set(place: string, state: unknown, asked: Promise<unknown>): Promise<void> {
    const before: Partial<Own> = this.#own.get(place) ?? {};
    const { set } = before;
    before.set = true;
    return asked.then(() => {
      // The view may be closed meanwhile, and others of the place not.
      if (this.#isWatched(place)) this.#own.set(place, { state, set: !!this.#parts.requests.free });
    }, (error) => {
      before.set &&= set;
      if (this.#parts.requests.free) this.opened();
      throw error;
    });
  }

  #setAgain(place: string, own: Own): void {
    if (own.set) return;
    own.set = true;
    this.#parts.requests.ask({ kind: "state", name: place, payload: own.state, check: checkPresence })
      .catch((error) => {
        // Without the connection it comes to the next one.
        if (own.set && this.#own.get(place) === own) {
          this.#parts.settings.report(error, { stage: "presence", name: place.replace(/\w+:/, "") });
        }
      });
  }

  #forget(key: string, place: string): void {
    this.#watches.delete(key);
    if (!this.#isWatched(place)) this.#own.delete(place);
  }

  #isWatched(place: string): boolean {
    return [...this.#watches.values()].some(({ watched }) => watched.place === place);
  }
}

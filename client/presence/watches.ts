/**
 * All places that a client watches, and the states that it has set for itself.
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

/** A state that this client has set for itself. */
interface Own {
  readonly state: unknown;
  /** Whether it was set on this connection. */
  set: boolean;
}

/** The watches, by place and by what counts as one member. */
export class Watches implements ClientExtension {
  readonly #parts: ClientParts;
  readonly #watches = new Map<string, Watch>();
  /** The states, by place. */
  readonly #own = new Map<string, Own>();

  /** @param parts The parts of the client. */
  constructor(parts: ClientParts) {
    this.#parts = parts;
  }

  /**
   * Opens a view. Views of the same place with the same `by` share a watch.
   *
   * @param given The place.
   * @param by What counts as one member.
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

  /** Keeps a state after it was set. The earlier state is sent again only if the new one fails. */
  #set(place: string, state: unknown, asked: Promise<unknown>): Promise<void> {
    const before: Partial<Own> = this.#own.get(place) ?? {};
    const { set } = before;
    before.set = true;
    return asked.then(() => {
      // Meanwhile this view may be closed, while other views of the place are open.
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
        // Without a connection it is sent on the next one.
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

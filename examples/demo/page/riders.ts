/**
 * Shows the people of the open room on the stations of their nodes, and animates their moves. For screen readers they are only in
 * the list of people, so that each is read once.
 *
 * @module
 */

import { makeAvatar } from "./avatar.ts";
import { make } from "./dom.ts";
import type { PersonFacts } from "./person.ts";

/** A station shows so many people; for the others it shows the number. */
const SHOWN = 3;
const RIDE = { duration: 600, easing: "ease-in-out" };

/** The people on the stations. */
export class Riders {
  readonly #platforms: readonly HTMLElement[];
  readonly #avatars = new Map<string, HTMLElement>();
  readonly #calm = matchMedia("(prefers-reduced-motion: reduce)");
  #shown = "";

  /** @param platforms The places of the people of each node, node 1 first. */
  constructor(platforms: readonly HTMLElement[]) {
    this.#platforms = platforms;
  }

  /** Shows where people are now. */
  show(people: readonly PersonFacts[]): void {
    const shown = JSON.stringify(people.map(({ id, node, trouble }) => [id, node, trouble]));
    if (shown === this.#shown) return;
    this.#shown = shown;
    const before = new Map([...this.#avatars].map(([id, avatar]) => [id, avatar.getBoundingClientRect()]));
    for (const [id, avatar] of this.#avatars) {
      if (people.some((person) => person.id === id)) continue;
      avatar.remove();
      this.#avatars.delete(id);
    }
    this.#platforms.forEach((platform, index) => {
      const here = people.filter(({ node }) => node === index + 1);
      const more = here.length - SHOWN;
      platform.replaceChildren(
        ...here.slice(0, SHOWN).map((person) => this.#avatarOf(person)),
        ...more > 0 ? [make("span", { class: "more" }, `+${more}`)] : [],
      );
    });
    if (this.#calm.matches) return;
    for (const [id, avatar] of this.#avatars) ride(avatar, before.get(id));
  }

  #avatarOf({ id, trouble }: PersonFacts): HTMLElement {
    const avatar = this.#avatars.get(id) ?? makeAvatar(id);
    this.#avatars.set(id, avatar);
    avatar.title = id;
    avatar.dataset.trouble = String(trouble !== undefined);
    return avatar;
  }
}

/** Moves a person from the old place to the new one, or lets the person appear. */
function ride(avatar: HTMLElement, from: DOMRect | undefined): void {
  const to = avatar.getBoundingClientRect();
  if (!from || from.width === 0) return void avatar.animate([{ opacity: 0, scale: 0.5 }, {}], 250);
  const [x, y] = [from.left - to.left, from.top - to.top];
  if (x !== 0 || y !== 0) avatar.animate([{ translate: `${x}px ${y}px` }, { translate: "0 0" }], RIDE);
}

/**
 * The people in a room: a picture for each, which appears and disappears with the person.
 *
 * @module
 */

import type { RoomName } from "../contract.ts";
import { count, make, setText } from "./dom.ts";
import { Person, type PersonFacts } from "./person.ts";

/** The people of a room, as the hub reports them. */
export interface Crowd {
  readonly people: readonly PersonFacts[];
  /** The number of people, listed or not. */
  readonly count: number;
  /** A note about them. */
  readonly note: string;
}

export const NOBODY: Crowd = {
  people: [],
  count: 0,
  note: "Only those who are in see each other",
};

/** The people of a room on the page. */
export class People {
  readonly element: HTMLElement;
  readonly #title = make("h3", {}, "People");
  readonly #list = make("ul", { class: "members", attrs: { tabindex: "0" } });
  readonly #note = make("p", { class: "note" });
  readonly #persons = new Map<string, Person>();

  /** @param button The button to join or leave the room. */
  constructor(room: RoomName, button: HTMLButtonElement) {
    this.#title.id = `people-${room}`;
    this.#list.setAttribute("aria-labelledby", this.#title.id);
    this.element = make(
      "aside",
      { class: "people", attrs: { "aria-label": `People in ${room}` } },
      make("div", { class: "people-top" }, this.#title, button),
      this.#note,
      this.#list,
    );
    this.show(NOBODY);
  }

  /** Shows the people. The first list appears without an animation. */
  show({ people, count: all, note }: Crowd): void {
    const first = this.#persons.size === 0;
    const sorted = [...people].sort((a, b) => a.id.localeCompare(b.id));
    const ids = new Set(sorted.map(({ id }) => id));
    for (const [id, person] of this.#persons) {
      if (ids.has(id)) continue;
      this.#persons.delete(id);
      void person.go();
    }
    let before: Person | undefined;
    for (const facts of sorted) {
      const known = this.#persons.get(facts.id);
      const person = known ?? new Person(facts);
      person.show(facts);
      if (!known) {
        this.#persons.set(facts.id, person);
        if (before) before.element.after(person.element);
        else this.#list.prepend(person.element);
        if (!first) person.come();
      }
      before = person;
    }
    setText(this.#title, all > 0 ? count(all, "person", "people") : "People");
    setText(this.#note, note);
  }
}

/**
 * A person in a room, on the page.
 *
 * @module
 */

import { makeAvatar } from "./avatar.ts";
import { make, setText } from "./dom.ts";

/** The facts about a person. */
export interface PersonFacts {
  /** The user's id. In this demo it is the name. */
  readonly id: string;
  /** Whether this is the user of this window. */
  readonly you: boolean;
  /** The number of the person's node; absent while it is not known. */
  readonly node: number | undefined;
  readonly typing: boolean;
  /** The trouble of that node. */
  readonly trouble: string | undefined;
}

const COME = { duration: 260, easing: "ease-out" };
const GO = { duration: 320, easing: "ease-in" };

/** A person on the page. */
export class Person {
  readonly element: HTMLLIElement;
  readonly id: string;
  readonly #avatar: HTMLElement;
  readonly #where = make("span", { class: "where" });
  readonly #calm = matchMedia("(prefers-reduced-motion: reduce)");
  #node: number | undefined;

  constructor({ id }: PersonFacts) {
    this.id = id;
    this.#avatar = makeAvatar(id);
    this.#avatar.append(make("span", { class: "dot" }));
    this.element = make(
      "li",
      { class: "person", attrs: { title: id } },
      this.#avatar,
      make("span", { class: "who" }, id),
      this.#where,
    );
  }

  /** Shows the facts. */
  show({ node, typing, trouble, you }: PersonFacts): void {
    const { dataset } = this.element;
    dataset.node = String(node ?? 0);
    dataset.typing = String(typing && !trouble);
    dataset.trouble = String(trouble !== undefined);
    const where = trouble ?? (node ? `node ${node}` : "…");
    setText(this.#where, you ? `${where} · you` : where);
    if (this.#node && node && this.#node !== node) this.#hop();
    this.#node = node;
  }

  /** Animates the arrival. */
  come(): void {
    if (this.#calm.matches) return;
    this.element.animate([{ opacity: 0, transform: "scale(0.6)" }, {}], COME);
  }

  /** Animates the leaving. */
  async go(): Promise<void> {
    this.element.inert = true;
    this.element.ariaHidden = "true";
    this.element.dataset.gone = "";
    if (!this.#calm.matches) {
      const going = this.element.animate([{}, { opacity: 0, transform: "scale(0.6)" }], GO);
      await going.finished.catch(() => {});
    }
    this.element.remove();
  }

  /** Animates the move to another node. */
  #hop(): void {
    if (this.#calm.matches) return;
    this.#avatar.animate([{}, { transform: "translateY(-5px) scale(1.08)" }, {}], { duration: 420 });
  }
}

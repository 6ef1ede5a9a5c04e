/**
 * The score of each window of this page.
 *
 * @module
 */

import { byId, count, make, setText } from "./dom.ts";
import type { ScoreView } from "./score.ts";

const CAUSES = { killed: "was killed", stopped: "was stopped", lost: "The link broke" } as const;

/** The board. */
export class ScoreBoard {
  readonly #board = byId("score");
  readonly #title = byId("score-cause");
  readonly #proof = byId("score-proof");
  readonly #lines: readonly HTMLElement[];
  readonly #views: (ScoreView | undefined)[] = [undefined, undefined];

  constructor() {
    this.#lines = ["This window", "Second window"].map((name) => {
      const line = make("span", { class: "result" });
      byId("score-lines").append(
        make("li", { attrs: { hidden: "" } }, make("span", { class: "whose" }, name), line),
      );
      return line;
    });
  }

  /** Shows the score of a window. */
  show(window: number, view: ScoreView | undefined): void {
    this.#views[window] = view;
    const line = this.#lines[window]!;
    line.parentElement!.hidden = !view;
    if (view) line.replaceChildren(...resultOf(view));
    const views = this.#views.filter((each) => each !== undefined);
    const died = views.find((each) => each.died !== undefined);
    const done = views.every((each) => each.done);
    this.#board.dataset.state = views.length === 0
      ? "idle"
      : !done
      ? "counting"
      : views.some(hasFault)
      ? "fault"
      : "whole";
    setText(
      this.#title,
      views.length === 0 ? "" : died ? `Node ${died.died} ${CAUSES[died.how]}` : CAUSES.lost,
    );
    setText(
      this.#proof,
      views.length === 0 ? "" : done ? proofOf(views) : "Counting the numbered messages of the ticker…",
    );
  }
}

const hasFault = ({ lost, twice }: ScoreView): boolean => lost > 0 || twice > 0;

/** "moved in 0.3 s · 0 lost · 0 twice", or "back in 0.3 s" if it came back to its node. */
function resultOf({ node, movedMs, back, lost, twice, done }: ScoreView): (HTMLElement | string)[] {
  const where = node === 0
    ? "moving…"
    : movedMs === undefined
    ? `stayed on node ${node}`
    : `${back ? "back" : "moved"} in ${(movedMs / 1000).toFixed(1)} s`;
  if (!done) return [make("b", {}, where), " · counting…"];
  const figure = (n: number, what: string) => make("b", { class: n > 0 ? "fault" : "none" }, `${n} ${what}`);
  return [make("b", {}, where), " · ", figure(lost, "lost"), " · ", figure(twice, "twice")];
}

function proofOf(views: readonly ScoreView[]): string {
  const sum = (value: (view: ScoreView) => number) => views.reduce((all, view) => all + value(view), 0);
  const again = sum(({ again }) => again);
  const counted = `Counted from ${count(sum(({ came }) => came), "numbered message")}`;
  return again === 0
    ? `${counted}; none was missed.`
    : `${counted}; ${again} ${again === 1 ? "was" : "were"} missed, and came later.`;
}

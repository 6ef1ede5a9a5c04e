/**
 * One node on the page: a station on the trunk line.
 *
 * @module
 */

import type { Load, Slot } from "../contract.ts";
import { count, make, setText } from "./dom.ts";

/** The known facts about a node. */
export interface NodeFacts {
  /** The supervisor's report. */
  readonly slot: Slot;
  /** The node's own report; absent if it does not answer. */
  readonly load: Load | undefined;
  /** Whether it does not answer, but the cluster still counts it as a node. */
  readonly silent: boolean;
  /** Whether the backplane is down, so that other nodes cannot be reached. */
  readonly outOfReach: boolean;
  /** Whether it serves this window. */
  readonly here: boolean;
  /** Whether it serves the second window of this page. */
  readonly second: boolean;
}

/** The commands for a node. */
export interface NodeActions {
  readonly canKill: boolean;
  act(action: "start" | "stop" | "kill"): Promise<void>;
}

const FLASH_MS = 350;

/** A node on the page. */
export class NodeRow {
  readonly element: HTMLLIElement;
  /** The place for the people on it. */
  readonly platform = make("div", { class: "platform", attrs: { "aria-hidden": "true" } });
  readonly #station = make("span", { class: "station", attrs: { "aria-hidden": "true" } });
  readonly #here = make("span", { class: "badge here" }, "this window");
  readonly #second = make("span", { class: "badge here" }, "second window");
  readonly #ticker = make("span", { class: "badge" }, "ticker");
  readonly #facts = make("p", { class: "facts" });
  readonly #toggle: HTMLButtonElement;
  readonly #kill: HTMLButtonElement;
  readonly #number: number;
  readonly #actions: NodeActions;
  readonly #calm = matchMedia("(prefers-reduced-motion: reduce)");
  #state: Slot["state"] = "stopped";

  constructor(number: number, actions: NodeActions) {
    this.#number = number;
    this.#actions = actions;
    this.#toggle = this.#button(() => this.#state === "stopped" ? "start" : "stop");
    this.#kill = this.#button(() => "kill");
    setText(this.#kill, "Kill");
    this.#kill.classList.add("danger");
    this.#kill.setAttribute("aria-label", `Kill node ${number}`);
    this.#kill.title = "Ends its worker at once, as in a crash";
    this.#kill.hidden = !actions.canKill;
    this.element = make(
      "li",
      { class: "node", attrs: { "data-node": String(number) } },
      make(
        "p",
        { class: "title" },
        this.#station,
        make("b", {}, `Node ${number}`),
        this.#here,
        this.#second,
        this.#ticker,
      ),
      this.platform,
      this.#facts,
      make("div", { class: "actions" }, this.#kill, this.#toggle),
    );
  }

  /** Shows the facts. */
  show({ slot, load, silent, outOfReach, here, second }: NodeFacts): void {
    this.#state = slot.state;
    this.element.dataset.state = slot.state === "running" && !load ? "waiting" : slot.state;
    this.element.dataset.here = String(here);
    this.#here.hidden = !here;
    this.#second.hidden = !second;
    this.#ticker.hidden = !load?.publishesTicker;
    const facts = factsOf(slot, load, silent, outOfReach);
    if (this.#facts.textContent !== facts.map(([, text]) => text).join("")) {
      this.#facts.replaceChildren(...facts.map(([part, text]) => make("span", { class: part }, text)));
    }
    const verb = slot.state === "stopped" || slot.state === "starting" ? "Start" : "Stop";
    setText(this.#toggle, verb);
    this.#toggle.setAttribute("aria-label", `${verb} node ${this.#number}`);
    this.#toggle.title = verb === "Stop" ? "Sends its windows to other nodes, then ends" : "";
    setEnabled(this.#toggle, slot.state === "stopped" || slot.state === "running");
    setEnabled(this.#kill, slot.state === "running");
  }

  /** Shows that a message came from another node. */
  flash(): void {
    const frames = this.#calm.matches ? [{ opacity: 0.4 }, {}] : [{ scale: 1 }, { scale: 1.5 }, { scale: 1 }];
    this.#station.animate(frames, { duration: FLASH_MS, delay: this.#calm.matches ? 0 : FLASH_MS });
  }

  #button(action: () => "start" | "stop" | "kill"): HTMLButtonElement {
    return make("button", {
      class: "small",
      attrs: { type: "button" },
      on: {
        click: ({ currentTarget }) => {
          // Not `disabled`: the button would lose the focus.
          if ((currentTarget as HTMLElement).ariaDisabled !== "true") void this.#actions.act(action());
        },
      },
    });
  }
}

function setEnabled(button: HTMLButtonElement, enabled: boolean): void {
  button.ariaDisabled = String(!enabled);
}

/** A part of the facts, with its class: the styles say where a narrow page may break the line. */
type Fact = readonly [part: "word" | "windows" | "between" | "rate", text: string];

function factsOf({ state }: Slot, load: Load | undefined, silent: boolean, outOfReach: boolean): Fact[] {
  const word = (text: string): Fact[] => [["word", text]];
  if (state === "stopped") {
    return word(silent ? "gone without a goodbye: the others still wait for it" : "stopped");
  }
  if (state === "starting") return word("starting…");
  if (!load && outOfReach) return word("out of reach");
  if (!load) return word(silent ? "does not answer" : "not heard of yet");
  const { connections, traffic } = load;
  const windows: Fact[] = [["windows", count(connections, "window")], ["between", " · "]];
  if (state === "stopping") return [...windows, ...word("sending them elsewhere…")];
  return [...windows, ["rate", `${traffic.in} in, `], ["rate", `${traffic.out} out /s`]];
}

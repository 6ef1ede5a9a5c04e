/**
 * The backplane between the nodes, and its status.
 *
 * @module
 */

import type { ClusterView, PageConfig } from "../contract.ts";
import { byId, setText } from "./dom.ts";

/** The backplane on the page. */
export class Backplane {
  readonly #state = byId("backplane");
  readonly #outage = byId("outage");
  readonly #button = byId<HTMLButtonElement>("broker");
  readonly #adapter: string;
  #status: ClusterView["backplane"] = "up";

  /** @param act Kills or starts the broker. */
  constructor(
    { adapter, ownBroker }: Pick<PageConfig, "adapter" | "ownBroker">,
    act: (action: "kill" | "start") => void,
  ) {
    this.#adapter = adapter;
    this.#button.hidden = !ownBroker;
    this.#button.addEventListener("click", () => act(this.#status === "up" ? "kill" : "start"));
    this.show("up");
  }

  /** Shows the status. */
  show(status: ClusterView["backplane"]): void {
    this.#status = status;
    const up = status === "up";
    this.#state.dataset.state = status;
    setText(this.#state, up ? `over ${this.#adapter}` : `${this.#adapter} is down`);
    const alone =
      `Each node is on its own. People on this node get your messages now, the others when ${this.#adapter} is back.`;
    setText(this.#outage, up ? "" : alone);
    setText(this.#button, up ? "Kill" : "Start");
    this.#button.setAttribute("aria-label", `${up ? "Kill" : "Start"} ${this.#adapter}`);
    this.#button.classList.toggle("danger", up);
  }
}

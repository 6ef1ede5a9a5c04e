/**
 * The status of the connection, in words.
 *
 * @module
 */

import type { DemoClient } from "./connect.ts";
import { byId, setText } from "./dom.ts";
import type { WindowKind } from "./place.ts";

/** How long a move is shown, in milliseconds. */
const NEWS_MS = 8_000;

/** Shows the status of a client. */
export class Status {
  readonly #pill = byId("status");
  readonly #text = byId("status-text");
  #timer: ReturnType<typeof setTimeout> | undefined;
  #node = 0;
  readonly #kind: WindowKind;

  /** @param kind The window. The status of the first one is also in the title of the page. */
  constructor(kind: WindowKind) {
    this.#kind = kind;
  }

  /** Shows a client's status from now on. */
  attach(client: DemoClient): void {
    client.onStatus((status, { error }) => {
      if (status === "reconnecting") this.#show("reconnecting", "Reconnecting…");
      if (status === "closed" && error) this.#show("closed", `Disconnected: ${error.message}`);
      // "Connected" is shown when the node has sent its number.
    });
    client.on("cluster", ({ you }) => this.#openOn(you));
    this.#show("connecting", "Connecting…");
  }

  #openOn(node: number): void {
    if (this.#pill.dataset.state === "open" && this.#node === node) return;
    const moved = this.#node !== 0 && this.#node !== node;
    this.#node = node;
    if (this.#kind === "first") document.title = `Node ${node} · Trunkline demo`;
    this.#show("open", moved ? `Moved to node ${node}` : `Connected to node ${node}`, node);
    if (!moved) return;
    this.#timer = setTimeout(() => this.#show("open", `Connected to node ${node}`, node), NEWS_MS);
  }

  #show(state: string, text: string, node?: number): void {
    clearTimeout(this.#timer);
    this.#pill.dataset.state = state;
    if (node) this.#pill.dataset.node = String(node);
    setText(this.#text, text);
  }
}

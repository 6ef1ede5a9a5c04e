/**
 * The second window inside the page: a normal window, with its own link to another node.
 *
 * @module
 */

import type { PageConfig, WindowPlace } from "../contract.ts";
import { byId, setText } from "./dom.ts";
import { secondPlace } from "./place.ts";
import { hearWindow, type WindowReport } from "./window_report.ts";

/** The options of {@linkcode setUpSplit}. */
export interface SplitOptions {
  readonly config: PageConfig;
  /** The place of the page's own window. */
  readonly first: WindowPlace;
  /** Called with the reports of the second window, and when it is closed. */
  report(report: WindowReport): void;
}

/** Opens the second window, unless the address contains `alone`. Sets up the button that closes and opens it. */
export function setUpSplit({ config, first, report }: SplitOptions): void {
  const frame = byId<HTMLIFrameElement>("second");
  const button = byId<HTMLButtonElement>("split");
  let open = !new URLSearchParams(location.search).has("alone");
  const show = () => {
    document.body.dataset.split = String(open);
    setText(button, open ? "Close second window" : "Open second window");
    if (open) {
      const { name, node } = secondPlace(first, config);
      frame.src = `/second?${new URLSearchParams({ name, node: String(node) })}`;
    } else if (frame.src) {
      frame.src = "about:blank"; // this ends its document and its link
      report({ kind: "on", node: 0 });
      report({ kind: "score", view: undefined });
    }
  };
  hearWindow(frame, report);
  button.addEventListener("click", () => {
    open = !open;
    show();
  });
  show();
}

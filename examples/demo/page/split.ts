/**
 * The second window within the page: a window like any other, with a link of its own to another node.
 *
 * @module
 */

import type { PageConfig, WindowPlace } from "../contract.ts";
import { byId, setText } from "./dom.ts";
import { secondPlace } from "./place.ts";
import { hearWindow, type WindowReport } from "./window_report.ts";

/** What {@linkcode setUpSplit} needs. */
export interface SplitOptions {
  readonly config: PageConfig;
  /** Where the page's own window is. */
  readonly first: WindowPlace;
  /** Told what the second window tells, and that it is closed. */
  report(report: WindowReport): void;
}

/** Opens the second window, unless the address says `alone`, and sets up the button that closes and opens it. */
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
      frame.src = "about:blank"; // its document goes, and its link with it
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

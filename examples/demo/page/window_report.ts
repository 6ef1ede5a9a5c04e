/**
 * The reports of the inner window to the page around it. The page draws them on the trunk, and shows the score.
 *
 * @module
 */

import { SYMBOLS } from "../contract.ts";
import type { DemoClient } from "./connect.ts";
import type { FeedListener } from "./feed.ts";
import type { ScoreView } from "./score.ts";

/** A report of a window. */
export type WindowReport =
  /** The node of the window; 0 for none. */
  | { readonly kind: "on"; readonly node: number }
  /** A message has arrived. `from` is the node where it was published. */
  | { readonly kind: "came"; readonly what: "message" | "tick"; readonly from: number }
  | { readonly kind: "score"; readonly view: ScoreView | undefined };

/** Receives the reports of a window. */
export type Reports = (report: WindowReport) => void;

/** Reports the events of a client from now on. */
export function reportOn(client: DemoClient, report: Reports): void {
  let node = 0;
  const on = (now: number) => {
    if (now !== node) report({ kind: "on", node: now });
    node = now;
  };
  client.onStatus((status) => status !== "open" && on(0));
  client.on("cluster", ({ you }) => on(you));
  client.on("message", ({ node: from }) => report({ kind: "came", what: "message", from }));
}

/** Reports the prices of only one symbol: all prices would be too many to see. */
export const reportTicks = (report: Reports): FeedListener => ({
  onTick(symbol, { node: from }, again) {
    if (symbol === SYMBOLS[0] && !again) report({ kind: "came", what: "tick", from });
  },
});

/** Sends a report to the page around this window. */
export const toPageAround: Reports = (report) => parent.postMessage(report, location.origin);

/** Listens to the reports of the inner window. */
export function hearWindow(frame: HTMLIFrameElement, reports: Reports): void {
  addEventListener("message", ({ source, origin, data }: MessageEvent<WindowReport>) => {
    if (origin === location.origin && source === frame.contentWindow) reports(data);
  });
}

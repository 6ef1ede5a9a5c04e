/**
 * What the window within the page tells the page around it, which draws it on the trunk and shows its score.
 *
 * @module
 */

import { SYMBOLS } from "../contract.ts";
import type { DemoClient } from "./connect.ts";
import type { FeedListener } from "./feed.ts";
import type { ScoreView } from "./score.ts";

/** What a window tells. */
export type WindowReport =
  /** It is on a node, or on none: 0. */
  | { readonly kind: "on"; readonly node: number }
  /** A message has come to it that was published on a node. */
  | { readonly kind: "came"; readonly what: "message" | "tick"; readonly from: number }
  | { readonly kind: "score"; readonly view: ScoreView | undefined };

/** Takes the reports of a window. */
export type Reports = (report: WindowReport) => void;

/** Reports on a client from now on. */
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

/** Reports the prices of one symbol: all of them would be a blur. */
export const reportTicks = (report: Reports): FeedListener => ({
  onTick(symbol, { node: from }, again) {
    if (symbol === SYMBOLS[0] && !again) report({ kind: "came", what: "tick", from });
  },
});

/** Tells the page around this window. */
export const toPageAround: Reports = (report) => parent.postMessage(report, location.origin);

/** Hears a window within this page. */
export function hearWindow(frame: HTMLIFrameElement, reports: Reports): void {
  addEventListener("message", ({ source, origin, data }: MessageEvent<WindowReport>) => {
    if (origin === location.origin && source === frame.contentWindow) reports(data);
  });
}

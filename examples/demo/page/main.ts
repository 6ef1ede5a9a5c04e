/**
 * The page of the demo: puts its parts together. The second window is the same page with fewer parts.
 *
 * @module
 */

import type { PageConfig } from "../contract.ts";
import { Chat } from "./chat.ts";
import { ClusterPanel } from "./cluster.ts";
import { connect, type DemoClient } from "./connect.ts";
import { byId } from "./dom.ts";
import { Feed } from "./feed.ts";
import { followFingers } from "./fingers.ts";
import { setUpName } from "./own_name.ts";
import { ownPlace, remember, type WindowKind } from "./place.ts";
import { Score } from "./score.ts";
import { ScoreBoard } from "./score_board.ts";
import { setUpSplit } from "./split.ts";
import { Status } from "./status.ts";
import { followTheme, setUpTheme } from "./theme.ts";
import { Ticker } from "./ticker.ts";
import { reportOn, type Reports, reportTicks, toPageAround } from "./window_report.ts";

/** A part of the page that uses a client. */
interface Part {
  attach(client: DemoClient, name: string): void;
}

const config: PageConfig = JSON.parse(byId("config").textContent ?? "");
const kind: WindowKind = location.pathname === "/second" ? "second" : "first";
const place = ownPlace(kind, config);
const feed = new Feed();
const parts: Part[] = [new Status(kind), feed];
let report: Reports = toPageAround;

document.body.dataset.window = kind;
followTheme();
followFingers();
if (kind === "first") {
  setUpTheme();
  const board = new ScoreBoard();
  const cluster = new ClusterPanel(config);
  const reportsOf = (window: number): Reports => (what) => {
    if (what.kind === "score") board.show(window, what.view);
    else cluster.showWindow(window, what);
  };
  report = reportsOf(0);
  const ticker = new Ticker(feed.series);
  feed.tell(ticker);
  parts.push(new Chat(kind, (people) => cluster.showPeople(people)), ticker, cluster);
  setUpSplit({ config, first: place, report: reportsOf(1) });
} else {
  parts.push(new Chat(kind, () => {}));
  byId("claim").append("Second window");
}

const score = new Score((view) => report({ kind: "score", view }));
feed.tell(score);
feed.tell(reportTicks(report));

let client: DemoClient | undefined;
const become = (name: string) => {
  remember(kind, "name", name);
  // A connection keeps its first name, so a new name needs a new client.
  void client?.close();
  client = connect(config, place.node, name);
  const now = client;
  for (const part of parts) part.attach(now, name);
  reportOn(now, report);
  now.onStatus((status) => status === "reconnecting" && score.lostLink());
  now.on("cluster", (view) => score.learn(view));
};
setUpName(place.name, become);
become(place.name);
// All parts are in place: show the page.
document.body.dataset.ready = "";

/**
 * The page of the demo: puts its parts together.
 *
 * @module
 */

import type { PageConfig } from "../contract.ts";
import { Chat } from "./chat.ts";
import { ClusterPanel } from "./cluster.ts";
import { connect, type DemoClient } from "./connect.ts";
import { byId } from "./dom.ts";
import { setUpName } from "./name.ts";
import { Status } from "./status.ts";
import { setUpTheme } from "./theme.ts";
import { Ticker } from "./ticker.ts";

const config: PageConfig = JSON.parse(byId("config").textContent ?? "");
const cluster = new ClusterPanel(config);
const chat = new Chat((people) => cluster.showPeople(people));
const parts = [new Status(), chat, new Ticker(), cluster];
let client: DemoClient | undefined;

setUpTheme();
setUpName((name) => {
  // A connection keeps the name that it began with.
  void client?.close();
  client = connect(config, name);
  chat.name = name;
  for (const part of parts) part.attach(client);
});
// All is in its place: now it may be seen.
document.body.dataset.ready = "";

/**
 * A page that shows the members of a room. Its title is the status of the view, and its text has a line for each member and each
 * event.
 *
 * @module
 */

import { createClient } from "../../client/mod.ts";
import { presence } from "../../client/presence/mod.ts";
import { contract } from "./presence_contract.ts";

/** The part of a browser's element that is used. */
interface Box {
  innerText: string;
  checked: boolean;
  append(text: string): void;
  addEventListener(event: "change", listener: () => void): void;
}

const page = globalThis as unknown as {
  readonly location: { readonly hash: string };
  readonly document: { title: string; getElementById(id: string): Box };
};
const { document } = page;
const [url, token] = page.location.hash.slice(1).split("|");

const client = createClient(contract, {
  url: url!,
  role: "member",
  token: token!,
  reconnect: { baseMs: 50, maxMs: 200 },
  onError: (error) => document.getElementById("events").append(`error ${error}\n`),
});
let opened = 0;
client.onOpen(() => {
  document.getElementById("opened").innerText = String(++opened);
  return client.request("join", "room/1");
});
const room = presence(client, "room/1");

function show(): void {
  document.title = `${room.status} ${room.count}`;
  document.getElementById("members").innerText = room.list()
    .map(({ id, state }) => state?.typing ? `${id} types` : id).join("\n");
}

for (const event of ["join", "leave", "update"] as const) {
  room.on(event, ({ id }) => document.getElementById("events").append(`${event} ${id}\n`));
}
for (const event of ["join", "leave", "update", "count", "sync"] as const) room.on(event, show);
client.onStatus(show);
const typing = document.getElementById("typing");
typing.addEventListener("change", () => void room.set({ typing: typing.checked }));

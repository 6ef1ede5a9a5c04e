/** The cost of a request, and of a line to a room: all work of the hub, without sockets. @module */

import { type Clock, systemClock } from "@trunkline/hub/contract";
import type { LinkEvents } from "@trunkline/hub/transports/transport";
import { createMeasuredHub } from "../hub.ts";
import { NoTransport } from "../no_transport.ts";

/** The platform's clock, but the benchmark ends each turn itself. */
class TurnClock implements Clock {
  readonly now = systemClock.now;
  readonly after = systemClock.after;
  #atEnd: (() => void)[] = [];

  endOfTurn(callback: () => void): void {
    this.#atEnd.push(callback);
  }

  endTurn(): void {
    const callbacks = this.#atEnd;
    this.#atEnd = [];
    for (const callback of callbacks) callback();
  }
}

const ROOM = "room";
const transport = new NoTransport();
const clock = new TurnClock();
const hub = createMeasuredHub({ transports: [transport], clock });
await hub.ready;
const clients: LinkEvents[] = [];
for (let i = 0; i < 32; i++) clients.push(await transport.connect());
for (const client of clients) client.message(`[["req",1,"join",{"room":"${ROOM}"}]]`);
await hub.cluster.count({ room: ROOM });
clock.endTurn();

const question = '[["req",2,"echo",{"text":"hello, everyone here"}]]';
const answer = { text: "hello, everyone here" };

Deno.bench("a request, from frame to frame", { group: "request", baseline: true }, () => {
  clients[0]!.message(question);
});

Deno.bench("JSON of it, read and written", { group: "request" }, () => {
  JSON.parse(question);
  JSON.stringify(["res", 2, answer]);
});

const said = `[["sig","say",{"room":"${ROOM}","text":"hello, everyone here"}]]`;

Deno.bench("32 clients say a line to a room of 32 in one turn", () => {
  for (const client of clients) client.message(said);
  clock.endTurn();
});

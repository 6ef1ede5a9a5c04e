/**
 * Tells the node's own clients which messages come from the other nodes.
 *
 * @module
 */

import { chatRoom, type Crossing, ROOMS } from "../contract.ts";
import type { DemoHub } from "./create_hub.ts";
import type { Recent } from "./recent.ts";
import type { Reporter } from "./reporter.ts";

/** Tells the clients of this node about messages on other nodes, and about members that join and leave there. */
export function tellCrossings(hub: DemoHub, reporter: Reporter, recent: Recent, to: number): void {
  const tell = (crossing: Omit<Crossing, "to">) =>
    hub.room(reporter.room).broadcast("crossing", { ...crossing, to });
  hub.onServer("said", (message) => {
    recent.add(message);
    const { at, node: from, room, name } = message;
    tell({ at, from, what: "message", room, name });
  });
  for (const room of ROOMS) {
    for (const what of ["join", "leave"] as const) {
      hub.presence(chatRoom(room)).on(what, ({ id: name, node }) => {
        const from = reporter.numberOf(node);
        if (from > 0 && from !== to) tell({ at: Date.now(), from, what, room, name });
      });
    }
  }
}

import { assertEquals } from "@std/assert";
import { createHub, defineContract } from "@trunkline/hub";
import { createLoopbackTransport } from "@trunkline/hub/transports/loopback";
import { z } from "zod";
import type { Connection } from "../../hub/connection/connection.ts";
import { test } from "../harness.ts";
import { microtasks, type RawClient, rawClient, turn } from "./wires.ts";

const contract = defineContract({
  roles: { member: { serverToClient: { line: { payload: z.number() } } } },
});

/** A hub with clients in the room "lobby", half of them also in "side". */
async function lobby() {
  const loopback = createLoopbackTransport();
  const conns: Connection[] = [];
  const hub = createHub(contract, {
    authenticate: ({ role }) => ({ role }),
    rejoin: () => true,
    transports: [loopback],
    onConnection: (conn) => void conns.push(conn as unknown as Connection),
  });
  await hub.ready;
  const clients: RawClient[] = [];
  for (let i = 0; i < 8; i++) {
    clients.push(await rawClient(loopback.client(), { role: "member", joined: [] }));
    await hub.room("lobby").add(conns[i]!);
    if (i % 2 === 0) await hub.room("side").add(conns[i]!);
  }
  await turn();
  return { hub, conns, clients };
}
type Lobby = Awaited<ReturnType<typeof lobby>>;

/** What happens in a turn, and what the first client then hears between two lines to all. */
const happenings: Record<string, [(all: Lobby) => void, hears: unknown[][]]> = {
  "joins a room": [({ hub, conns }) => void hub.room("side").add(conns[1]!), []],
  "leaves a room": [({ hub, conns }) => void hub.room("side").remove(conns[0]!), [["out", "side"]]],
  "sends a ping": [({ clients }) => clients[0]!.say(["ping"]), [["pong"]]],
  "gets a line to several rooms, after one of its own": [({ hub, conns }) => {
    hub.connection(conns[0]!.id).emit("line", 2);
    hub.rooms(["side", "lobby"]).broadcast("line", 3);
  }, [["ev", "line", 2], ["ev", "line", 3]]],
};

for (const [what, [happen, hears]] of Object.entries(happenings)) {
  test(`a client that ${what} in a busy turn still shares its frames with the others`, async () => {
    const all = await lobby();
    const { hub, conns, clients } = all;
    const before = clients[0]!.heard.length;
    hub.room("lobby").broadcast("line", 1);
    happen(all);
    await microtasks(10); // the turn goes on
    hub.room("lobby").broadcast("line", 4);
    const cohorts = new Set(conns.map(({ outbox }) => outbox.cohort));
    assertEquals([cohorts.size, cohorts.has(undefined)], [1, false]);
    await turn();
    assertEquals(clients[0]!.heard.slice(before), [["ev", "line", 1], ...hears, ["ev", "line", 4]]);
    await hub.close();
  });
}

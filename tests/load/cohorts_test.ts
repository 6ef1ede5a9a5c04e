import { assert, assertEquals } from "@std/assert";
import { test } from "../harness.ts";
import { microtasks, turn } from "../hub/wires.ts";
import { Ledger, Listener } from "./ledger.ts";
import type { LoadClient } from "./load_client.ts";
import { Random } from "./random.ts";
import { CODECS, type LoadNode, type Mark, onCluster } from "./scene.ts";

const CLIENTS = 60;
const USERS = 9;
const ROOMS = ["r0", "r1", "r2", "r3", "r4", "r5"];
const FEEDS = ["feed/0", "feed/1", "feed/2", "log/0"] as const;
const TURNS = 100;
const CALLS = 60;
const LARGE = "x".repeat(2_000);
/** What fills the buffers of a socket whose client does not read. */
const PLUG = { count: 100, fill: "y".repeat(100_000) };
/** Messages for slow readers wait, but nothing is dropped. Frames are small, so that many end within a turn. */
const outbox = { maxMessages: 1e6, maxBytes: 1e9, highWaterBytes: 8_000, maxFrameMessages: 10 };

/** A client, what it must hear, and the rooms in which the hub has it at this moment. */
interface Peer {
  readonly client: LoadClient;
  readonly listener: Listener;
  readonly rooms: () => ReadonlySet<string>;
}

/** Clients of both codecs and roles, in random rooms, topics and users; every fifth reads slowly. */
async function settle(
  node: LoadNode,
  ledger: Ledger,
  random: Random,
  rooms: ReadonlyMap<string, () => ReadonlySet<string>>,
): Promise<Peer[]> {
  const role = (i: number) => i % 3 === 0 ? "guest" : "member";
  const clients = await node.openMany(
    CLIENTS,
    (i) => ({ role: role(i), token: `u${i % USERS}`, codec: CODECS[i % 2] }),
  );
  return await Promise.all(clients.map(async (client, i) => {
    const feeds = random.some(FEEDS);
    const listener = new Listener(client.id, 0, [...feeds, `u${i % USERS}`, role(i), client.id]);
    ledger.listeners.push(listener);
    client.onMessage = (mark) => listener.take(mark as Mark);
    await Promise.all(random.some(ROOMS).map((room) => node.hub.room(room).add(client)));
    await Promise.all(feeds.map((feed) => client.subscribe(feed)));
    if (i % 5 === 0) client.crawl(2);
    return { client, listener, rooms: rooms.get(client.id)! };
  }));
}

/** Stops reading, and fills the sockets: what comes next waits in the hub. */
async function plug({ hub }: LoadNode, slow: readonly Peer[], ledger: Ledger): Promise<void> {
  for (const { client } of slow) client.pause();
  for (let i = 0; i < PLUG.count; i++) {
    for (const { client, listener } of slow) {
      const mark = ledger.mark(0, client.id, PLUG.fill);
      ledger.note(mark, (other) => other === listener);
      hub.connection(client.id).emit("note", mark);
    }
    await turn();
  }
}

/** One call of the hub: a message of any kind, or a join or leave. */
function call({ hub }: LoadNode, peers: readonly Peer[], ledger: Ledger, random: Random): void {
  const fill = random.oneIn(6) ? LARGE : undefined;
  const send = (channel: string, isFor: (peer: Peer) => boolean): Mark => {
    const mark = ledger.mark(0, channel, fill);
    const ids = new Set(peers.filter(isFor).map(({ client }) => client.id));
    ledger.note(mark, ({ id }) => ids.has(id));
    return mark;
  };
  const on = (channel: string) => ({ listener }: Peer) => listener.channels.has(channel);
  const one = random.pick(peers);
  const room = random.pick(ROOMS);
  const except = random.oneIn(3) ? one.client : undefined;
  switch (random.below(10)) {
    case 0:
    case 1: {
      const mark = send(room, (peer) => peer.rooms().has(room) && peer.client !== except);
      return hub.room(room).broadcast("note", mark, { except });
    }
    case 2: { // guests have no such event
      const isFor = (peer: Peer) => peer.rooms().has(room) && on("member")(peer) && peer.client !== except;
      return hub.room(room).broadcast("line", send(room, isFor), { except });
    }
    case 3: {
      const some = random.some(ROOMS);
      const isIn = (peer: Peer) => some.some((name) => peer.rooms().has(name)) && peer.client !== except;
      return hub.rooms(some).broadcast("note", send(some.join(), isIn), { except });
    }
    case 4: {
      const feed = random.pick(FEEDS);
      return void hub.publish(feed, send(feed, on(feed)));
    }
    case 5: {
      const user = `u${random.below(USERS)}`;
      return hub.user(user).emit("note", send(user, on(user)));
    }
    case 6: {
      const role = random.pick(["member", "guest"] as const);
      return hub.forRole(role).emit("note", send(role, on(role)));
    }
    case 7: { // it joins at once, and may leave before the caller knows
      return void hub.room(room).add(one.client).catch(() => {});
    }
    case 8:
      return void hub.room(room).remove(one.client);
    default:
      return hub.connection(one.client.id).emit("note", send(one.client.id, (peer) => peer === one));
  }
}

test("promises 2, 3 and 8 under load: clients in any groups that come and go, get answers between and read slowly get everything once, in the order of the calls", async () => {
  const random = new Random(8);
  const rooms = new Map<string, () => ReadonlySet<string>>();
  const options = {
    limits: { outbox },
    onConnection: (conn: { readonly id: string; readonly rooms: ReadonlySet<string> }) =>
      void rooms.set(conn.id, () => conn.rooms),
  };
  await onCluster(() => undefined, 1, options, async ([node]) => {
    const ledger = new Ledger();
    const peers = await settle(node!, ledger, random, rooms);
    const answers: Promise<void>[] = [];
    const plugged = peers.slice(0, 4);
    await plug(node!, plugged, ledger);
    const paused = new Set(plugged.map(({ client }) => client));
    let held = 0;
    for (let i = 0; i < TURNS; i++) {
      const { client } = random.pick(peers);
      if (paused.delete(client)) client.resume();
      else if (paused.size < 8) paused.add(client).forEach((slow) => slow.pause());
      for (let j = 0; j < 2; j++) {
        answers.push(random.pick(peers).client.subscribe(`feed/own${answers.length}`));
      }
      for (let j = 0; j < CALLS; j++) {
        call(node!, peers, ledger, random);
        if (random.oneIn(30)) await microtasks(2); // the turn has not ended
      }
      await turn();
      held = Math.max(held, node!.hub.stats().held);
    }
    for (const client of paused) client.resume();
    await ledger.arrive();
    await Promise.all(answers);
    ledger.check();
    assert(held > 100, `only ${held} messages ever waited`);
    assertEquals(peers.filter(({ client }) => client.closed !== undefined), []);
    assertEquals(node!.errors, []);
  });
});

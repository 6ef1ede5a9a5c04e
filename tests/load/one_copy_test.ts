import { assertEquals } from "@std/assert";
import { turn } from "../hub/wires.ts";
import { Ledger, Listener } from "./ledger.ts";
import type { LoadClient } from "./load_client.ts";
import { Random } from "./random.ts";
import { CODECS, type LoadNode, loadTest, type Mark, onCluster } from "./scene.ts";

const NODES = 3;
const PER_NODE = 30;
const ROOMS = ["r0", "r1", "r2", "r3", "r4"];
const FEEDS = ["feed/0", "feed/1", "feed/2"];
const USERS = 20;
const ROUNDS = 40;
const BURST = 25;

/** Connects the clients that stay, each with its own random channels. */
async function settle(nodes: readonly LoadNode[], ledger: Ledger, random: Random): Promise<LoadClient[]> {
  const all: LoadClient[] = [];
  for (const [home, node] of nodes.entries()) {
    const role = (i: number) => i % 4 === 0 ? "guest" : "member";
    const clients = await node.openMany(PER_NODE, (i) => ({
      role: role(i),
      token: `u${i % USERS}`,
      codec: CODECS[i % 3 === 0 ? 1 : 0],
    }));
    for (const [i, client] of clients.entries()) {
      const rooms = random.some(ROOMS);
      const feeds = random.some(FEEDS);
      const listener = new Listener(client.id, home, [...rooms, ...feeds, `u${i % USERS}`, role(i), "swing"]);
      ledger.listeners.push(listener);
      client.onMessage = (mark) => listener.take(mark as Mark);
      for (const room of rooms) await node.hub.room(room).add(client);
      await Promise.all(feeds.map((feed) => client.subscribe(feed)));
    }
    all.push(...clients);
  }
  return all;
}

/** One publish of a node, in a way of its own choice. */
function publish({ hub }: LoadNode, p: number, ledger: Ledger, random: Random): void {
  const except = random.oneIn(3) ? random.pick(ledger.listeners) : undefined;
  switch (random.below(6)) {
    case 0: {
      const room = random.pick(ROOMS);
      const mark = ledger.mark(p, room);
      ledger.note(mark, (listener) => listener.channels.has(room) && listener !== except);
      return hub.room(room).broadcast("note", mark, { except });
    }
    case 1: { // guests have no such event
      const room = random.pick(ROOMS);
      const mark = ledger.mark(p, room);
      ledger.note(mark, ({ channels }) => channels.has(room) && channels.has("member"));
      return hub.room(room).broadcast("line", mark);
    }
    case 2: {
      const rooms = [...random.some(ROOMS), "swing"];
      const mark = ledger.mark(p, rooms.join());
      const isIn = ({ channels }: Listener) => rooms.some((room) => room !== "swing" && channels.has(room));
      ledger.note(mark, (listener) => isIn(listener) && listener !== except);
      ledger.allow(mark);
      return hub.rooms(rooms).broadcast("note", mark, { except });
    }
    case 3: {
      const feed = random.pick(FEEDS);
      const mark = ledger.mark(p, feed);
      ledger.note(mark, ({ channels }) => channels.has(feed));
      return hub.publish(feed as "feed/0", mark);
    }
    case 4: {
      const user = `u${random.below(USERS)}`;
      const mark = ledger.mark(p, user);
      ledger.note(mark, ({ channels }) => channels.has(user));
      return hub.user(user).emit("note", mark);
    }
    default: {
      const role = random.pick(["member", "guest"] as const);
      const mark = ledger.mark(p, role);
      ledger.note(mark, ({ channels }) => channels.has(role));
      return hub.forRole(role).emit("note", mark);
    }
  }
}

/** Comes, joins, subscribes, leaves some of it and goes, again and again, until told to stop. */
async function churn(node: LoadNode, random: Random, stopped: () => boolean): Promise<number> {
  let visits = 0;
  for (; !stopped(); visits++) {
    const client = await node.open({ token: `u${random.below(USERS)}`, codec: random.pick(CODECS) });
    const joins = random.some([...ROOMS, "swing"]).map((room) => node.hub.room(room).add(client));
    joins.push(...random.some(FEEDS).map((feed) => client.subscribe(feed)));
    if (random.oneIn(2)) await Promise.allSettled(joins);
    for (const room of random.some(ROOMS)) node.hub.room(room).remove(client);
    void client.destroy();
    await Promise.allSettled(joins);
  }
  return visits;
}

loadTest(
  "promise 2 under load: one copy to every client that stays, while others come and go",
  async (backbone, order) => {
    const random = new Random(2);
    await onCluster(backbone, NODES, {}, async (nodes) => {
      const ledger = new Ledger(order);
      const staying = await settle(nodes, ledger, random);
      let stopped = false;
      const churning = nodes.flatMap((node) => [1, 2].map(() => churn(node, random, () => stopped)));
      const swinging = new Set<Promise<void>>();
      for (let round = 0; round < ROUNDS; round++) {
        for (const [home, node] of nodes.entries()) {
          const client = staying[home * PER_NODE + random.below(PER_NODE)]!;
          const swing = node.hub.room("swing");
          if (random.oneIn(3)) swing.remove(client);
          else swinging.add(swing.add(client).catch(() => {})); // it may be removed before it is in
        }
        for (let i = 0; i < BURST; i++) {
          for (const [p, node] of nodes.entries()) publish(node, p, ledger, random);
          if (i % 10 === 9) await Promise.resolve();
        }
        await turn();
      }
      await ledger.arrive();
      stopped = true;
      const visits = await Promise.all(churning);
      await Promise.all(swinging);

      // Nothing comes after the last word of every node.
      const { length } = nodes;
      for (const [p, { hub }] of nodes.entries()) {
        for (const role of ["member", "guest"] as const) {
          const mark = ledger.mark(p, role);
          ledger.note(mark, ({ channels }) => channels.has(role));
          hub.forRole(role).emit("note", mark);
        }
      }
      await ledger.arrive();
      ledger.check();
      assertEquals(ledger.published, length * (ROUNDS * BURST + 2));
      assertEquals(visits.filter((count) => count === 0), []);
      assertEquals(staying.filter(({ closed }) => closed !== undefined), []);
      assertEquals(nodes.flatMap(({ errors }) => errors), []);
    });
  },
);

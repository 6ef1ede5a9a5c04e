import { assert, assertEquals } from "@std/assert";
import { test } from "../harness.ts";
import { turn } from "../hub/wires.ts";
import { Ledger, Listener } from "./ledger.ts";
import type { LoadClient } from "./load_client.ts";
import { Random } from "./random.ts";
import { CODECS, type LoadNode, loadTest, type Mark, onCluster } from "./scene.ts";

const NODES = 2;
const PER_NODE = 12;
const MESSAGES = 4_800;
/** Several frames of 64 messages in one turn. */
const BURST = 400;
/** Larger than a frame gets, and than a batch of the backplane. */
const LARGE = "x".repeat(100 * 1024);
const MIDDLE = "y".repeat(3_000);

/** Mostly tiny, some middling, few large. */
function fill(random: Random): string | undefined {
  if (random.oneIn(300)) return LARGE;
  return random.oneIn(20) ? MIDDLE : undefined;
}

/** Connects listeners that are in rooms x and y, in one of them, or in none, with alternating codecs. */
async function settle(nodes: readonly LoadNode[], ledger: Ledger): Promise<LoadClient[][]> {
  const all: LoadClient[][] = [];
  for (const [home, node] of nodes.entries()) {
    const clients = await node.openMany(PER_NODE, (i) => ({ token: `u${i % 3}`, codec: CODECS[i % 2] }));
    for (const [i, client] of clients.entries()) {
      const rooms = [["x", "y"], ["x"], ["y"], []][i >> 1 & 3]!;
      const feeds = i % 3 === 0 ? ["feed/0"] : ["feed/0", "log/0"];
      const listener = new Listener(client.id, home, [...rooms, ...feeds, `u${i % 3}`, "member"]);
      ledger.listeners.push(listener);
      client.onMessage = (mark) => listener.take(mark as Mark);
      for (const room of rooms) await node.hub.room(room).add(client);
      for (const feed of feeds) await client.subscribe(feed);
    }
    all.push(clients);
  }
  return all;
}

/** One publish on one of seven channels. */
function publish({ hub }: LoadNode, p: number, ledger: Ledger, random: Random): void {
  const channel = random.pick(["x", "x", "y", "x,y", "feed/0", "log/0", "u1", "member"]);
  const mark = ledger.mark(p, channel, fill(random));
  const rooms = channel.split(",");
  ledger.note(mark, ({ channels }) => rooms.some((room) => channels.has(room)));
  if (channel === "x" || channel === "y") hub.room(channel).broadcast("note", mark);
  else if (rooms.length > 1) hub.rooms(rooms).broadcast("note", mark);
  else if (channel === "feed/0") hub.publish(channel, mark);
  else if (channel === "log/0") void hub.publish(channel, mark);
  else if (channel === "u1") hub.user(channel).emit("note", mark);
  else hub.forRole("member").emit("note", mark);
}

loadTest(
  "promise 3 under load: bursts beyond frames and batches, tiny and large, keep each publisher's order everywhere",
  async (backbone, order) => {
    const random = new Random(3);
    await onCluster(backbone, NODES, {}, async (nodes) => {
      const ledger = new Ledger(order);
      const clients = await settle(nodes, ledger);
      for (let i = 0; i < MESSAGES; i++) {
        const p = random.below(NODES);
        publish(nodes[p]!, p, ledger, random);
        if (i % BURST === BURST - 1) await turn();
      }
      await ledger.arrive();
      ledger.check();
      assertEquals(clients.flat().filter(({ closed }) => closed !== undefined), []);
      assertEquals(nodes.flatMap(({ errors }) => errors), []);
      assert(nodes.every(({ hub }) => hub.stats().held === 0));
    });
  },
);

test("promise 3 under load: direct events and broadcasts of one node arrive in the order of the calls", async () => {
  const random = new Random(33);
  const backbone = () => undefined;
  await onCluster(backbone, 1, {}, async ([node]) => {
    const { hub } = node!;
    const ledger = new Ledger();
    const [clients] = await settle([node!], ledger);
    for (let i = 0; i < MESSAGES; i++) {
      if (random.oneIn(2)) publish(node!, 0, ledger, random);
      else {
        const { id } = random.pick(clients!);
        const mark = ledger.mark(0, id, fill(random));
        ledger.note(mark, (listener) => listener.id === id);
        hub.connection(id).emit("note", mark);
      }
      if (i % BURST === BURST - 1) await turn();
      else if (random.oneIn(50)) await Promise.resolve(); // the turn has not ended
    }
    await ledger.arrive();
    ledger.check();
    assertEquals(node!.errors, []);
  });
});

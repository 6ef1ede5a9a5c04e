import { assertEquals } from "@std/assert";
import type { NatsClient, NatsMessage, NatsSubscribeOptions } from "../../../adapters/nats/client.ts";
import { type Former, Reach } from "../../../adapters/nats/reach.ts";
import { Subjects } from "../../../adapters/nats/subject.ts";
import { FakeClock } from "../../fake_clock.ts";
import { test } from "../../harness.ts";

/** Servers with one node each, and one link for all. Real servers lose their links only by chance. */
class Servers {
  isLinked = true;
  /** How many servers there are. */
  count = 2;
  readonly clock = new FakeClock();
  readonly told: string[] = [];
  /** The nodes that are too busy to read, and what waits for them. */
  readonly busy = new Map<string, (() => void)[]>();
  readonly #subscriptions = new Set<
    { readonly server: string; readonly subject: string; take(bytes: Uint8Array): void }
  >();

  /** A node on a server. */
  node(server: string, nodeId: string = `node of ${server}`): Reach {
    const subscribe = (subject: string, { callback }: NatsSubscribeOptions) => {
      const take = (data: Uint8Array) => callback(null, { subject, data } as NatsMessage);
      const subscription = { server, subject, take };
      this.#subscriptions.add(subscription);
      return { unsubscribe: () => void this.#subscriptions.delete(subscription) };
    };
    const publish = (subject: string, bytes: Uint8Array) => {
      for (const to of this.#subscriptions) {
        if (to.subject !== subject || (to.server !== server && !this.isLinked)) continue;
        const deliver = () => to.take(bytes);
        const waiting = this.busy.get(to.server);
        if (waiting) waiting.push(deliver);
        else queueMicrotask(deliver);
      }
      return true;
    };
    const info = () => ({
      server_id: server,
      max_payload: 1,
      connect_urls: Array.from({ length: this.isLinked ? this.count : 1 }, (_, i) => `${i}`),
    });
    const client = {
      subscribe,
      get info() {
        return info();
      },
    } as Partial<NatsClient> as NatsClient;
    return new Reach({
      link: { client, publish, confirm: () => Promise.resolve() },
      nodeId,
      subjects: new Subjects("p"),
      clock: this.clock,
      onBack: () => void this.told.push(`${server}: back`),
    });
  }

  /** Lets time pass. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 50) {
      this.clock.advance(50);
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  }

  /** A node reads what has waited for it. */
  resume(server: string): void {
    const waiting = this.busy.get(server)!;
    this.busy.delete(server);
    for (const deliver of waiting) deliver();
  }
}

const NOBODY: Former = { others: new Set(), hadNeighbours: false, size: 0 };

/** Two nodes that know each other. */
async function pair() {
  const servers = new Servers();
  const nodes = [servers.node("one"), servers.node("two")];
  for (const node of nodes) {
    node.join();
    const joined = node.joined(NOBODY);
    await servers.pass(300);
    await joined;
  }
  const refresh = () => nodes.forEach((node) => node.refresh());
  return { servers, nodes, refresh };
}

test("nats: servers that lose their link are told when it is back, on both sides", async () => {
  const { servers, nodes, refresh } = await pair();
  for (let round = 0; round < 3; round++) {
    refresh();
    await servers.pass(5_000);
  }
  assertEquals(servers.told, []);
  servers.isLinked = false;
  refresh();
  await servers.pass(5_000);
  servers.isLinked = true;
  refresh();
  await servers.pass(5_000);
  assertEquals(servers.told.toSorted(), ["one: back", "two: back"]);
  refresh();
  await servers.pass(5_000);
  assertEquals(servers.told.length, 2);
  for (const node of nodes) node.leave();
});

test("nats: a node that answers late because it was busy has lost nothing", async () => {
  const { servers, nodes, refresh } = await pair();
  servers.busy.set("two", []);
  refresh();
  await servers.pass(5_000);
  refresh();
  await servers.pass(5_000);
  servers.resume("two");
  await servers.pass(5_000);
  refresh();
  await servers.pass(5_000);
  assertEquals(servers.told, []);
  for (const node of nodes) node.leave();
});

test("nats: a node that comes back waits until its server has links to the others, for a limited time", async () => {
  for (const comes of [true, false]) {
    const { servers, nodes } = await pair();
    const former = nodes.map(({ known }) => known);
    for (const node of nodes) node.leave();
    servers.isLinked = false;
    const back: number[] = [];
    for (const [i, node] of nodes.entries()) {
      node.join();
      void node.joined(former[i]!).then(() => back.push(i));
    }
    await servers.pass(1_500);
    assertEquals(back, []);
    if (comes) {
      servers.isLinked = true;
      await servers.pass(500);
    } else await servers.pass(4_000);
    assertEquals(back.toSorted(), [0, 1]);
    for (const node of nodes) node.leave();
    assertEquals(servers.clock.pending, 0);
  }
});

test("nats: a node that comes back to another server of a cluster waits for no server that it has left", async () => {
  const servers = new Servers();
  const [a, b, c] = [servers.node("one"), servers.node("one", "neighbour"), servers.node("two")];
  const all = [a, b, c];
  for (const node of all) {
    node.join();
    const joined = node.joined(NOBODY);
    await servers.pass(300);
    await joined;
  }
  const former = a.known;
  assertEquals([a, b, c].map(({ known }) => known.hadNeighbours), [true, true, false]);
  for (const node of all) node.leave();
  servers.isLinked = false;
  const moved = servers.node("two");
  moved.join();
  const joined = moved.joined(former);
  await servers.pass(300);
  await joined;
  moved.leave();
});

test("nats: nodes that were all on one server of a cluster, and move to another one together, wait only for each other", async () => {
  const servers = new Servers();
  const ids = ["me", "neighbour"];
  const nodes = ids.map((id) => servers.node("one", id));
  for (const node of nodes) node.join();
  await servers.pass(300);
  const former = nodes.map(({ known }) => ({ ...known, size: 2 }));
  assertEquals(former.map(({ others, hadNeighbours }) => [others.size, hadNeighbours]), [[0, true], [
    0,
    true,
  ]]);
  for (const node of nodes) node.leave();
  servers.isLinked = false; // the old server is dead
  const moved = ids.map((id) => servers.node("two", id));
  for (const node of moved) node.join();
  const joined = Promise.all(moved.map((node, i) => node.joined(former[i]!)));
  await servers.pass(600);
  await joined;
  for (const node of moved) node.leave();
});

test("nats: a late answer to a question of an earlier connection does not confirm a subscription of the present one", async () => {
  const { servers, nodes } = await pair();
  const [one, two] = nodes as [Reach, Reach];
  const former = one.known;
  for (let asked = 0; asked < 5; asked++) one.refresh();
  await servers.pass(100);
  servers.busy.set("two", []);
  one.refresh();
  await servers.pass(100);
  const late = servers.busy.get("two")!;
  servers.busy.delete("two");
  one.leave(); // the connection is lost before the answer
  const again = servers.node("one");
  again.join();
  const joined = again.joined(former);
  await servers.pass(300);
  await joined;
  servers.busy.set("two", []);
  let isConfirmed = false;
  const confirmed = again.confirm().then(() => isConfirmed = true);
  for (const deliver of late) deliver();
  await servers.pass(300);
  assertEquals(isConfirmed, false);
  servers.resume("two");
  await servers.pass(50);
  await confirmed;
  for (const node of [again, two]) node.leave();
  assertEquals(servers.clock.pending, 0);
});

test("nats: a node that has waited in vain for the links waits again on its next connection, and tells of a gap when they come", async () => {
  const { servers, nodes } = await pair();
  const former = nodes.map(({ known }) => known);
  for (const node of nodes) node.leave();
  servers.isLinked = false;
  for (const node of nodes) node.join();
  const joined = Promise.all(nodes.map((node, i) => node.joined(former[i]!)));
  await servers.pass(6_000);
  await joined;
  const [again] = nodes.map(({ known }) => known);
  assertEquals([again!.others.size, again!.size], [1, 2]);
  assertEquals(servers.told, []);
  servers.isLinked = true;
  for (const node of nodes) node.refresh();
  await servers.pass(1_000);
  assertEquals(servers.told.toSorted(), ["one: back", "two: back"]);
  for (const node of nodes) node.refresh();
  await servers.pass(30_000);
  assertEquals(servers.told.length, 2);
  for (const node of nodes) node.leave();
  assertEquals(servers.clock.pending, 0);
});

test("nats: nodes that were all on one server wait for links if more servers are missing than the one that they left", async () => {
  const servers = new Servers();
  servers.count = 3;
  const ids = ["a", "b", "c", "d"];
  const nodes = ids.map((id) => servers.node("one", id));
  for (const node of nodes) node.join();
  await servers.pass(300);
  const former = nodes.map(({ known }) => known);
  assertEquals(former.map(({ size, hadNeighbours }) => [size, hadNeighbours]), ids.map(() => [3, true]));
  for (const node of nodes) node.leave();
  servers.isLinked = false; // all servers have restarted
  const moved = ids.map((id, i) => servers.node(i < 2 ? "two" : "three", id));
  const back: string[] = [];
  for (const [i, node] of moved.entries()) {
    node.join();
    void node.joined(former[i]!).then(() => back.push(ids[i]!));
  }
  await servers.pass(2_000);
  assertEquals(back, []);
  servers.isLinked = true;
  await servers.pass(600);
  assertEquals(back.toSorted(), ids);
  for (const node of moved) node.leave();
});

test("nats: a node that comes back to a server without a cluster waits for nothing", async () => {
  const servers = new Servers();
  servers.isLinked = false;
  const node = servers.node("restarted");
  node.join();
  await node.joined({ others: new Set(), hadNeighbours: true, size: 1 });
  node.leave();
});

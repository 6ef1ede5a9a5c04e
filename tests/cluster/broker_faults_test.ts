/**
 * What a cluster is like while its broker is killed, frozen, or cut off from one node: real brokers, real faults.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { createHub, defineContract, type Hub } from "@trunkline/hub";
import type { Adapter } from "@trunkline/hub/adapters/adapter";
import { createLoopbackTransport } from "@trunkline/hub/transports/loopback";
import { z } from "zod";
import { test, waitFor } from "../harness.ts";
import { acquainted } from "../hub/cluster.ts";
import { OWN_BROKERS, type OwnBroker } from "../own_brokers.ts";
import { type RawClient, rawClient } from "../hub/wires.ts";

const contract = defineContract({
  shared: { serverToClient: { note: { payload: z.string() } } },
  roles: { member: {} },
  serverToServer: { load: { input: z.object({}), output: z.number() } },
});

type Definition = (typeof contract)["definition"];

/** How long anything may take that adapters do by probes and retries. */
const PATIENCE = { timeoutMs: 30_000 } as const;

/** A hub with one client in the room "hall", and all it reported. */
interface Station extends AsyncDisposable {
  readonly hub: Hub<Definition>;
  readonly client: RawClient;
  readonly stages: Set<string>;
  /** The notes that reached the client. */
  notes(): string[];
}

async function station(adapter: Adapter): Promise<Station> {
  const loopback = createLoopbackTransport();
  const stages = new Set<string>();
  const hub: Hub<Definition> = createHub(contract, {
    authenticate: ({ role }) => ({ role, user: { id: "u" } }),
    transports: [loopback],
    adapter,
    onConnection: async (conn) => {
      await hub.room("hall").add(conn);
    },
    onError: (_error, { stage }) => void stages.add(stage),
    cluster: { heartbeatMs: 300, nodeTimeoutMs: 1_500, requestTimeoutMs: 5_000, fastTimeoutMs: 500 },
  });
  await hub.ready;
  const client = await rawClient(loopback.client(), { role: "member" });
  await waitFor(() => client.heard.length > 0);
  return {
    hub,
    client,
    stages,
    notes: () => client.heard.flatMap(([kind, , text]) => kind === "ev" ? [text as string] : []),
    async [Symbol.asyncDispose]() {
      client.leave();
      await hub.close();
    },
  };
}

/** Waits until a room, a user, a question and a count reach every node again, from every node. */
async function wellAgain(stations: readonly Station[], mark: string): Promise<void> {
  for (const each of stations) {
    await waitFor(async () => await status(each) === "up", { ...PATIENCE, what: "the backplane to be up" });
  }
  await acquainted(stations.map(({ hub }) => hub), PATIENCE);
  for (const [i, { hub }] of stations.entries()) {
    hub.room("hall").broadcast("note", `${mark} room ${i}`);
    hub.user("u").emit("note", `${mark} user ${i}`);
    hub.forRole("member").emit("note", `${mark} role ${i}`);
  }
  const expected = stations.flatMap((_, i) => ["role", "room", "user"].map((what) => `${mark} ${what} ${i}`))
    .sort();
  for (const { hub, notes } of stations) {
    const got = () => notes().filter((note) => note.startsWith(mark)).sort();
    await waitFor(() => got().length >= expected.length, { ...PATIENCE, what: `all of ${mark}` });
    assertEquals(got(), expected);
    // A node that was heard of late is suspect for a moment.
    const isComplete = async () => {
      const { count, missing } = await hub.cluster.count({ room: "hall" });
      const asked = await hub.requestServers("load", {});
      return [count, missing.length, asked.answers.size, asked.missing.length].join() ===
        [stations.length, 0, stations.length - 1, 0].join();
    };
    await waitFor(isComplete, { ...PATIENCE, what: `every node to count and to be asked by ${hub.nodeId}` });
  }
}

const status = async ({ hub }: Station) => {
  const response = await hub.routes.request("/health");
  return ((await response.json()) as { backplane: { status: string } }).backplane.status;
};

/** Registers a test for each broker. */
function testOnBrokers(
  title: string,
  fn: (broker: OwnBroker) => Promise<void>,
  needs?: keyof OwnBroker,
): void {
  for (const { name, missing, slow, launch } of OWN_BROKERS) {
    if (missing ?? slow) test.skip(`${title} [${name}]`, (missing ?? slow)!);
    else if (needs && name === "redis-cluster") {
      test.skip(
        `${title} [${name}]`,
        "its nodes announce addresses of their own, which no proxy stands before",
      );
    } else {
      test(`${title} [${name}]`, async () => {
        await using broker = await launch();
        await fn(broker);
      }, { timeoutMs: 90_000 });
    }
  }
}

testOnBrokers(
  "broker killed during a query: received answers count, the other nodes are missing, and all is well after a restart",
  async (broker) => {
    await using one = await station(broker.createAdapter());
    await using two = await station(broker.createAdapter());
    await using three = await station(broker.createAdapter());
    const stations = [one, two, three];
    const answering = Promise.withResolvers<void>();
    let asked = 0;
    two.hub.onServer("load", () => (asked++, 2));
    three.hub.onServer("load", async () => {
      asked++;
      await answering.promise;
      return 3;
    });
    one.hub.onServer("load", () => 1);
    await acquainted(stations.map(({ hub }) => hub));
    const query = one.hub.requestServers("load", {});
    await waitFor(() => asked === 2 && one.hub.stats().nodeRequests === 1, { what: "both to be asked" });
    await broker.kill();
    const { answers, missing } = await query;
    answering.resolve();
    // The answer of the second node may have been under way.
    assert([...answers].every(([id, n]) => id === two.hub.nodeId && n === 2));
    assertEquals(
      [...answers.keys(), ...missing.map(({ node }) => node)].sort(),
      [two.hub.nodeId, three.hub.nodeId].sort(),
    );
    for (const each of stations) {
      await waitFor(async () => await status(each) === "down", { ...PATIENCE, what: "the outage to show" });
      each.hub.room("hall").broadcast("note", "alone");
      await waitFor(() => each.notes().includes("alone"), { what: "what is said here to arrive here" });
    }
    // Nobody else is heard of for longer than the node timeout: each is alone, and knows it.
    const alone = ({ hub }: Station) =>
      hub.cluster.nodes().filter(({ state }) => state !== "down").length === 1;
    await waitFor(() => stations.every(alone), { ...PATIENCE, what: "the others to be down" });
    assertEquals((await one.hub.cluster.connections()).connections.length, 1);
    await broker.start();
    await wellAgain(stations, "restarted");
    for (const { hub, notes } of stations) {
      assertEquals(notes().filter((note) => note === "alone").length, 1);
      await waitFor(() => hub.stats().nodeRequests === 0 && hub.stats().answering === 0);
    }
  },
);

testOnBrokers(
  "broker frozen: noticed by probe, local delivery goes on, and nothing comes twice when it thaws",
  async (broker) => {
    await using one = await station(broker.createAdapter());
    await using two = await station(broker.createAdapter());
    const stations = [one, two];
    for (const [i, { hub }] of stations.entries()) hub.onServer("load", () => i);
    await wellAgain(stations, "before");
    broker.pause();
    try {
      for (let n = 0; n < 20; n++) one.hub.room("hall").broadcast("note", `frozen ${n}`);
      await waitFor(() => one.notes().includes("frozen 19"), { what: "what is said here to arrive here" });
      for (const each of stations) {
        await waitFor(async () => await status(each) === "down", {
          ...PATIENCE,
          what: "the freeze to be noticed",
        });
      }
      assert((await one.hub.requestServers("load", {})).answers.size === 0);
    } finally {
      broker.resume();
    }
    await wellAgain(stations, "thawed");
    const frozen = (each: Station) => each.notes().filter((note) => note.startsWith("frozen"));
    assertEquals(frozen(one), Array.from({ length: 20 }, (_, n) => `frozen ${n}`));
    assertEquals(new Set(frozen(two)).size, frozen(two).length, "none twice");
  },
);

testOnBrokers(
  "one node cut off: down for the others, alone for itself, back once when it heals",
  async (broker) => {
    await using cut = await broker.behindProxy!();
    await using one = await station(broker.createAdapter());
    await using two = await station(broker.createAdapter());
    await using far = await station(cut.adapter);
    const stations = [one, two, far];
    for (const [i, { hub }] of stations.entries()) hub.onServer("load", () => i);
    await wellAgain(stations, "before");
    const events: string[] = [];
    one.hub.cluster.on("leave", ({ id }) => events.push(id === far.hub.nodeId ? "far left" : `${id} left`));
    one.hub.cluster.on(
      "join",
      ({ id }) => events.push(id === far.hub.nodeId ? "far joined" : `${id} joined`),
    );
    cut.blackhole();
    const seenBy = ({ hub }: Station, { hub: { nodeId } }: Station) =>
      hub.cluster.nodes().find(({ id }) => id === nodeId)?.state ?? "unknown";
    for (const each of [one, two]) {
      await waitFor(() => seenBy(each, far) === "down", {
        ...PATIENCE,
        what: "the others to see that it is gone",
      });
    }
    await waitFor(() => seenBy(far, one) === "down" && seenBy(far, two) === "down", PATIENCE);
    await waitFor(async () => await status(far) === "down", { ...PATIENCE, what: "it to notice" });
    assertEquals(await one.hub.cluster.count({ room: "hall" }), { count: 2, missing: [] });
    one.hub.room("hall").broadcast("note", "among us");
    far.hub.room("hall").broadcast("note", "to myself");
    await waitFor(() => two.notes().includes("among us") && far.notes().includes("to myself"));
    cut.heal();
    await wellAgain(stations, "healed");
    assertEquals(events, ["far left", "far joined"]);
    for (const note of ["among us", "to myself"]) {
      for (const { notes } of stations) assert(notes().filter((each) => each === note).length <= 1);
    }
  },
  "behindProxy",
);

import { assertEquals } from "@std/assert";
import type { LoopbackClient } from "@trunkline/hub/transports/loopback";
import type { Subscription } from "@trunkline/hub";
import fc from "fast-check";
import { test, waitFor } from "../harness.ts";
import type { Member } from "./chat.ts";
import { ADAPTERS, empty, startCluster, type TappedNode } from "./cluster.ts";
import { microtasks, turn } from "./wires.ts";

const TOPICS = ["stats", "ticker/A", "log/x"] as const;
const ROOMS = ["one", "two"];

/** A client whose link can be cut, and what it wants. */
interface Actor {
  readonly node: TappedNode;
  readonly client: Member;
  readonly line: LoopbackClient;
  readonly subs: Map<string, Subscription>;
  readonly rooms: Set<string>;
  readonly heard: Set<string>;
}

type Step =
  | { readonly do: "subscribe" | "unsubscribe"; readonly who: number; readonly topic: number }
  | { readonly do: "join" | "leave"; readonly who: number; readonly room: number }
  | { readonly do: "sever" | "publish" | "slow" | "fail" | "pause"; readonly who: number }
  | { readonly do: "wait" | "turn"; readonly who: number };

const who = fc.nat({ max: 3 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constantFrom("subscribe" as const, "unsubscribe" as const),
    who,
    topic: fc.nat({ max: 2 }),
  }),
  fc.record({ do: fc.constantFrom("join" as const, "leave" as const), who, room: fc.nat({ max: 1 }) }),
  fc.record({
    do: fc.constantFrom("sever" as const, "publish" as const, "slow" as const, "fail" as const),
    who,
  }),
  fc.record({ do: fc.constantFrom("wait" as const, "turn" as const), who }),
);

async function createActor(node: TappedNode, i: number): Promise<Actor> {
  const line = node.loopback.client();
  const heard = new Set<string>();
  const client = await node.member(`user ${i % 2}`, { transport: line, onError() {} });
  client.on("message", ({ room, text }) => heard.add(`${room} ${text}`));
  return { node, client, line, heard, subs: new Map(), rooms: new Set() };
}

async function perform(actors: readonly Actor[], step: Step): Promise<void> {
  const actor = actors[step.who]!;
  const { node, client, line, subs, rooms, heard } = actor;
  switch (step.do) {
    case "subscribe": {
      const topic = TOPICS[step.topic]!;
      if (subs.has(topic)) return;
      const sub = client.subscribe(topic, (payload) => void heard.add(`${topic} ${JSON.stringify(payload)}`));
      subs.set(topic, sub);
      sub.closed.then((error) => error && subs.get(topic) === sub && subs.delete(topic));
      return;
    }
    case "unsubscribe":
      subs.get(TOPICS[step.topic]!)?.unsubscribe();
      subs.delete(TOPICS[step.topic]!);
      return;
    case "join":
    case "leave": {
      const room = ROOMS[step.room]!;
      client.request(step.do, { room }).then(
        () => step.do === "join" ? rooms.add(room) : rooms.delete(room),
        () => {},
      );
      return;
    }
    case "sever":
      rooms.clear();
      return line.sever();
    case "publish":
      node.hub.publish("stats", { n: 0 });
      node.hub.room("one").broadcast("message", { room: "one", text: "" });
      return void node.hub.publish("log/x", { n: 0 });
    case "slow":
      node.tap.beforeSubscribe = turn;
      return;
    case "fail":
      node.tap.beforeSubscribe = () => Promise.reject(new Error("refused"));
      return;
    case "turn":
      return await turn();
    case "wait":
      return await microtasks(3);
  }
}

/** Checks that exactly the clients that count as subscribed get messages. */
async function checkReach(actors: readonly Actor[]): Promise<void> {
  const [{ node }] = actors as [Actor];
  for (const { client } of actors) {
    await waitFor(() => client.status === "open", { what: "all clients to be back" });
  }
  for (const { subs } of actors) {
    for (const sub of subs.values()) {
      await waitFor(() => sub.status !== "pending", { what: "subscriptions to settle" });
    }
  }
  await turn();
  const expected = actors.map(({ subs }) => [...subs.keys()].sort());
  for (const { heard } of actors) heard.clear();
  node.hub.publish("stats", { n: 7 });
  node.hub.publish("ticker/A", { price: 7 });
  await node.hub.publish("log/x", { n: 7 });
  await waitFor(
    () => actors.every(({ heard, subs }) => heard.size >= subs.size),
    { what: "every subscriber to be reached" },
  );
  assertEquals(actors.map(({ heard }) => [...heard].map((text) => text.split(" ")[0]!).sort()), expected);
}

for (const [name, createBackbone] of Object.entries(ADAPTERS)) {
  test(
    `after any subscribes, joins, leaves and losses of clients, nothing stays behind [${name}]`,
    async () => {
      const runs = name === "memory" ? 25 : 8;
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60, size: "max" }), async (steps) => {
          await using cluster = await startCluster(createBackbone(), 2);
          const nodes = cluster.nodes;
          const actors = await Promise.all([0, 1, 2, 3].map((i) => createActor(nodes[i % 2]!, i)));
          for (const step of steps) await perform(actors, step);
          for (const { tap } of nodes) tap.beforeSubscribe = () => {};
          await checkReach(actors);
          for (const { client } of actors) await client.close();
          const histories = nodes.map(({ hub }) => hub.stats().histories);
          for (const [i, node] of nodes.entries()) {
            // A history outlives its subscribers on purpose, and listens to its channel.
            const left = () => {
              const { histories: kept, channels, refused: _, ...rest } = node.hub.stats();
              return [kept - histories[i]!, channels - kept, ...Object.values(rest)].every((n) => n === 0);
            };
            await waitFor(() => left() || Promise.reject(new Error(JSON.stringify(node.hub.stats()))), {
              what: "all counts to be zero",
            });
          }
          for (const { hub } of nodes) await hub.close();
          await empty(...nodes);
        }),
        { numRuns: runs, seed: 20_260_801 },
      );
    },
    { timeoutMs: 60_000 },
  );
}

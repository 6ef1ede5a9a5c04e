import { assert, assertEquals, assertRejects } from "@std/assert";
import { createClient, createMemoryAdapter, createMemoryBus, defineContract, HubError } from "@trunkline/hub";
import { z } from "zod";
import { FakeClock } from "../fake_clock.ts";
import { test, waitFor } from "../harness.ts";
import { AT_ONCE, createRig, type Rig, type RigOptions } from "./rig.ts";
import { codeOf, microtasks, rawClient, rejection, turn } from "./wires.ts";

const contract = defineContract({
  roles: {
    member: {
      serverToClient: {
        vote: { input: z.object({ on: z.string() }), output: z.number() },
        other: { payload: z.string() },
      },
    },
    watcher: {},
  },
});
type Definition = (typeof contract)["definition"];

async function startNode(options: RigOptions<Definition> = {}): Promise<Rig<Definition>> {
  const rig = createRig(contract, options);
  await rig.hub.ready;
  return rig;
}

/** A client in a room of its node, and how it answers. */
async function enter(
  { hub, loopback }: Rig<Definition>,
  vote: (question: { on: string }, context: { signal: AbortSignal }) => unknown,
) {
  const client = createClient(contract, {
    url: "ws://loopback",
    role: "member",
    transport: loopback.client(),
    ...AT_ONCE,
    onError: () => {},
  });
  client.implement({ vote: vote as () => number });
  await client.ready;
  await hub.room("jury").add({ id: client.connectionId! });
  return client;
}

const never = () => new Promise<never>(() => {});

test("room.request gathers the answers that come in time from every node, and names the members without an answer and the reasons", async () => {
  const clock = new FakeClock();
  const bus = createMemoryBus();
  const nodes = await Promise.all(
    [0, 1].map(() =>
      startNode({ adapter: createMemoryAdapter({ bus }), clock, cluster: { joinTimeoutMs: 0 } })
    ),
  );
  await waitFor(async () => {
    await turn();
    return nodes.every(({ hub }) => hub.cluster.nodes().length === 2);
  }, { what: "the nodes to meet" });
  const clients: Awaited<ReturnType<typeof enter>>[] = [];
  const kinds: Record<string, (question: { on: string }) => unknown> = {
    yes: ({ on }) => on.length,
    later: () => Promise.resolve(2),
    silent: never,
    broken: () => {
      throw new Error("the password is hunter2");
    },
    own: () => {
      throw new HubError("ABSTAINS", "No vote of mine", { data: { why: "tired" } });
    },
    odd: () => "no number",
  };
  const ids: Record<string, string> = {};
  for (const [i, node] of nodes.entries()) {
    for (const [kind, vote] of Object.entries(kinds)) {
      const client = await enter(node, vote);
      clients.push(client);
      ids[client.connectionId!] = `${kind} ${i}`;
    }
    const watcher = await rawClient(node.loopback.client(), { role: "watcher" });
    await node.hub.room("jury").add({ id: (watcher.heard[0]![1] as { connection: string }).connection });
  }
  const { hub } = nodes[0]!;
  const asked = hub.room("jury").request("vote", { on: "peace" }, { timeoutMs: 1_000 });
  for (let i = 0; i < 20; i++) await turn();
  clock.advance(1_000);
  const { answers, errors, missing } = await asked;
  const named = <T>(map: ReadonlyMap<string, T>) =>
    [...map].map(([id, value]) => [ids[id], value] as const).sort();
  assertEquals(named(answers), [["later 0", 2], ["later 1", 2], ["yes 0", 5], ["yes 1", 5]]);
  assertEquals(named(errors).map(([name, { code }]) => `${name} ${code}`), [
    "broken 0 INTERNAL",
    "broken 1 INTERNAL",
    "odd 0 INTERNAL",
    "odd 1 INTERNAL",
    "own 0 ABSTAINS",
    "own 1 ABSTAINS",
    "silent 0 TIMEOUT",
    "silent 1 TIMEOUT",
  ]);
  for (const [name, error] of named(errors)) {
    assert(error instanceof HubError);
    if (name!.startsWith("own")) assertEquals(error.data, { why: "tired" });
  }
  assertEquals([missing, nodes.map(({ errors }) => errors)], [[], [[], []]]);
  for (const client of clients) await client.close();
  for (const { hub } of nodes) await hub.close();
});

test("room.request of an empty room answers at once, and leaves out the given connections", async () => {
  const node = await startNode();
  const { hub } = node;
  const nobody = await hub.room("nowhere").request("vote", { on: "" });
  assertEquals([nobody.answers.size, nobody.errors.size, nobody.missing], [0, 0, []]);
  const [ann, bob] = [await enter(node, () => 1), await enter(node, () => 2)];
  const except = { id: ann.connectionId! };
  const { answers } = await hub.room("jury").request("vote", { on: "" }, {
    except,
    timeoutMs: undefined,
    signal: undefined,
  });
  assertEquals([...answers], [[bob.connectionId!, 2]]);
  await ann.close();
  await bob.close();
  await hub.close();
});

test("room.request refuses an invalid question, and then asks no client", async () => {
  const node = await startNode();
  let asked = 0;
  const ann = await enter(node, () => ++asked);
  const room = node.hub.room("jury");
  const request = room.request as (name: string, input: unknown, options?: unknown) => Promise<unknown>;
  const ask = (...args: [string, unknown, unknown?]) => request.apply(room, args);
  assertEquals(await codeOf(() => ask("vote", { on: 5 })), "VALIDATION");
  assertEquals(await codeOf(() => ask("other", "")), "NOT_FOUND");
  assertEquals(await codeOf(() => ask("nothing", "")), "NOT_FOUND");
  await assertRejects(() => ask("vote", { on: "" }, { timeoutMs: 0 }), RangeError, "timeoutMs of request");
  await assertRejects(() => ask("vote", { on: "" }, { exept: ann }), TypeError, 'did you mean "except"');
  await assertRejects(() => ask("vote", { on: "" }, { except: {} }), TypeError, "except");
  const reason = new Error("changed my mind");
  assertEquals(
    await rejection(ask("vote", { on: "" }, { signal: AbortSignal.abort(reason) })),
    reason as never,
  );
  assertEquals([asked, node.errors], [0, []]);
  await ann.close();
  await node.hub.close();
});

test("a room.request that is given up cancels its questions, on every node", async () => {
  const bus = createMemoryBus();
  const nodes = [
    await startNode({ adapter: createMemoryAdapter({ bus }) }),
    await startNode({ adapter: createMemoryAdapter({ bus }) }),
  ] as const;
  const signals: AbortSignal[] = [];
  const hang = (_: unknown, { signal }: { signal: AbortSignal }) => (signals.push(signal), never());
  const clients = [await enter(nodes[0], hang), await enter(nodes[1], hang)];
  const aborter = new AbortController();
  const asked = rejection(nodes[0].hub.room("jury").request("vote", { on: "" }, { signal: aborter.signal }));
  await waitFor(() => signals.length === 2, { what: "both to be asked" });
  const reason = new Error("enough");
  aborter.abort(reason);
  assertEquals(await asked, reason as never);
  await waitFor(() => signals.every(({ aborted }) => aborted), { what: "both to be told" });
  assertEquals(nodes.map(({ hub }) => hub.stats().asking), [0, 0]);
  assertEquals(nodes.map(({ errors }) => errors), [[], []]);
  for (const client of clients) await client.close();
  for (const { hub } of nodes) await hub.close();
});

test("room.request: a client that leaves and a node that goes keep no other answer back", async () => {
  const bus = createMemoryBus();
  const nodes = [
    await startNode({ adapter: createMemoryAdapter({ bus }) }),
    await startNode({ adapter: createMemoryAdapter({ bus }) }),
  ] as const;
  let asked = 0;
  const hang = () => (asked++, never());
  const clients = [await enter(nodes[0], () => 1), await enter(nodes[0], hang), await enter(nodes[1], hang)];
  const gone = clients[1]!.connectionId!;
  const outcome = nodes[0].hub.room("jury").request("vote", { on: "" });
  await waitFor(() => asked === 2, { what: "all to be asked" });
  await clients[1]!.close();
  await microtasks();
  await nodes[1].hub.close();
  const { answers, errors, missing } = await outcome;
  assertEquals([...answers.values()], [1]);
  assertEquals(errors.get(gone)?.code, "DISCONNECTED");
  const told = missing.length === 1 ? missing[0]!.node : nodes[1].hub.nodeId; // its clients or the node: it says goodbye to both
  assertEquals([told, errors.size + missing.length], [nodes[1].hub.nodeId, 2]);
  for (const client of clients) await client.close();
  await nodes[0].hub.close();
});

test("room.request: a node of another contract, with members in the room, is missing and not skipped", async () => {
  const bus = createMemoryBus();
  const older = createRig(defineContract({ roles: { member: {} } }), {
    adapter: createMemoryAdapter({ bus }),
  });
  await older.hub.ready;
  const node = await startNode({ adapter: createMemoryAdapter({ bus }) });
  const ask = () => node.hub.room("jury").request("vote", { on: "it" }, { timeoutMs: 1_000 });
  assertEquals((await ask()).missing, []); // the room is empty
  const raw = await rawClient(older.loopback.client(), { role: "member" });
  const { connection } = raw.heard[0]![1] as { connection: string };
  await older.hub.room("jury").add({ id: connection });
  const { answers, errors, missing } = await ask();
  assertEquals([answers.size, errors.size], [0, 0]);
  assertEquals(missing.map(({ node, reason, code }) => [node, reason, code]), [
    [older.hub.nodeId, "failed", "NOT_FOUND"],
  ]);
  assertEquals(older.errors.length, 1);
  raw.leave();
  await node.hub.close();
  await older.hub.close();
});

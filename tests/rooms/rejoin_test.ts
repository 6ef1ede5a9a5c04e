import { assertEquals } from "@std/assert";
import { createMemoryAdapter, createMemoryBus, createMemoryHistory, HubError } from "@trunkline/hub";
import { test, waitFor } from "../harness.ts";
import type { RigOptions } from "../hub/rig.ts";
import { microtasks, rawClient, turn } from "../hub/wires.ts";
import { type Definition, enter, follow, memberOf, type Node, startNode } from "./rejoin_scene.ts";

test("rejoin: a client that reconnects to another node is in its rooms before its status is open", async () => {
  const bus = createMemoryBus();
  const asked: unknown[] = [];
  const options = (): RigOptions<Definition> => ({
    adapter: createMemoryAdapter({ bus }),
    rejoin: ({ room, conn, signal }) => {
      asked.push([room, conn.user?.id, conn.role, signal.aborted]);
      return Promise.resolve(true);
    },
  });
  const nodes = [await startNode(options()), await startNode(options())] as const;
  await using ann = await enter(nodes, ["a", "b"]);
  ann.client.onStatus((status) => {
    if (status === "open") nodes[1].hub.room("a").broadcast("line", "at once");
  });
  await ann.links.drop(ann.client);
  await nodes[0].hub.close(); // nothing is left that has known the client
  await ann.links.back(ann.client, nodes[1]);
  await waitFor(() => ann.heard.length === 1, { what: "the first line" });
  nodes[1].hub.room("b").broadcast("line", "later");
  await waitFor(() => ann.heard.length === 2, { what: "the next line" });
  assertEquals(ann.heard, ["at once", "later"]);
  assertEquals(asked, [["b", "ann", "member", false], ["a", "ann", "member", false]]);
  assertEquals([nodes[1].errors, ann.errors], [[], []]);
  await ann.links.drop(ann.client); // and once more, as it is told on every connection
  await ann.links.back(ann.client, nodes[1]);
  assertEquals(await memberOf(nodes[1], "a"), 1);
  await nodes[1].hub.close();
});

test("rejoin: a client that is refused is told why, room by room, and forgets the room", async () => {
  const rules: Record<string, () => boolean | Promise<boolean>> = {
    yes: () => true,
    no: () => false,
    own: () => Promise.reject(new HubError("PLAN", "Your plan has ended")),
    broken: () => {
      throw new Error("the password is hunter2");
    },
    odd: () => ({ allowed: true }) as never,
  };
  let asked = 0;
  const node = await startNode({ rejoin: ({ room }) => (asked++, rules[room]!()) });
  await using ann = await enter([node], Object.keys(rules));
  follow(ann);
  await ann.links.drop(ann.client);
  await ann.links.back(ann.client);
  await waitFor(() => ann.told.length === 4, { what: "the refusals" });
  assertEquals(
    ann.told.map((
      { room, recovered, error },
    ) => [room, recovered, error instanceof HubError, error!.code, error!.message]).sort(),
    [
      ["broken", false, true, "INTERNAL", "Internal error, see onError of the server"],
      ["no", false, true, "FORBIDDEN", 'Not allowed to come back to "no"'],
      ["odd", false, true, "FORBIDDEN", 'Not allowed to come back to "odd"'],
      ["own", false, true, "PLAN", "Your plan has ended"],
    ],
  );
  assertEquals(
    node.errors.map(({ error, info }) => [(error as Error).message, info.stage, info.name]).sort(),
    [
      ["The rule rejoin answered an object: only true allows, false refuses", "handler", "odd"],
      ["the password is hunter2", "handler", "broken"],
    ],
  );
  assertEquals([ann.errors, [...Object.keys(rules)].length], [[], asked]);
  await ann.links.drop(ann.client);
  await ann.links.back(ann.client);
  await turn();
  assertEquals([asked, ann.told.length, await memberOf(node, "yes"), await memberOf(node, "no")], [
    6,
    4,
    1,
    0,
  ]);
  await node.hub.close();
});

test("rejoin: without a listener, onError of the client gets the refusal", async () => {
  const node = await startNode({ rejoin: () => false });
  await using ann = await enter([node], ["a"]);
  await ann.links.drop(ann.client);
  await ann.links.back(ann.client);
  await waitFor(() => ann.errors.length === 1, { what: "the refusal" });
  assertEquals(ann.errors, [{ code: "FORBIDDEN", stage: "room", name: "a" }]);
  await node.hub.close();
});

test("rejoin: a room that the client was taken out of is not asked for again", async () => {
  const asked: string[] = [];
  const node = await startNode({ rejoin: ({ room }) => asked.push(room) > 0 });
  await using ann = await enter([node], ["a", "b", "kept/1", "kept/2"]);
  await node.hub.cluster.join({ user: "ann" }, "by the cluster");
  const id = { id: ann.client.connectionId! };
  node.hub.room("a").remove(id);
  await node.hub.cluster.leave({ user: "ann" }, "kept/1");
  node.hub.room("nowhere").remove(id);
  await microtasks();
  await ann.links.drop(ann.client);
  await ann.links.back(ann.client);
  assertEquals(asked, ["by the cluster", "kept/2", "b"]);
  await node.hub.close();
});

test("rejoin: a server that rejoins no client is reported, once", async () => {
  const bus = createMemoryBus();
  const nodes = [
    await startNode({ adapter: createMemoryAdapter({ bus }), rejoin: () => true }),
    await startNode({ adapter: createMemoryAdapter({ bus }) }),
  ] as const;
  await using ann = await enter(nodes, ["a"]);
  follow(ann);
  await ann.links.drop(ann.client);
  await ann.links.back(ann.client, nodes[1]);
  assertEquals(ann.told.map(({ room, error }) => [room, error?.code, error?.message]), [[
    "a",
    "FORBIDDEN",
    'Not in "a" any more, join it again: the server has no rejoin',
  ]]);
  await ann.links.drop(ann.client);
  await ann.links.back(ann.client, nodes[1]);
  assertEquals(ann.told.length, 1);
  for (const { hub } of nodes) await hub.close();
});

test("rejoin: a client without support for in and out is not told of rooms, nor one of a hub without the rule", async () => {
  for (
    const [hello, rejoin, kinds] of [
      [{}, () => true, []],
      [{ joined: ["a"] }, undefined, []],
      [{ joined: ["a"] }, () => true, ["in", "in", "out"]],
    ] as const
  ) {
    const node = await startNode({ rejoin });
    const raw = await rawClient(node.loopback.client(), { role: "member", ...hello });
    raw.say(["req", 1, "join", "b"]);
    await turn();
    const { connection, rejoin: says } = raw.heard[0]![1] as { connection: string; rejoin?: boolean };
    node.hub.room("b").remove({ id: connection });
    await turn();
    const told = raw.heard.map(([kind]) => kind).filter((kind) => kind === "in" || kind === "out");
    assertEquals([told, says], [[...kinds], kinds.length > 0 ? true : undefined]);
    raw.leave();
    await node.hub.close();
  }
});

test("rejoin: a room with history to which the client comes back sends its missed messages", async () => {
  const history = createMemoryHistory();
  const bus = createMemoryBus();
  const options = () => ({ adapter: createMemoryAdapter({ bus }), history, rejoin: () => true });
  const nodes = [await startNode(options()), await startNode(options())] as const;
  await using ann = await enter(nodes, ["kept/1"]);
  follow(ann);
  await nodes[0].hub.room("kept/1").broadcast("line", "one");
  await waitFor(() => ann.heard.length === 1, { what: "what is live" });
  await ann.links.drop(ann.client);
  await nodes[1].hub.room("kept/1").broadcast("line", "two");
  await nodes[0].hub.close();
  await ann.links.back(ann.client, nodes[1]);
  await waitFor(() => ann.told.length === 1, { what: "the recovery" });
  assertEquals([ann.heard, ann.told], [["one", "two"], [{ room: "kept/1", recovered: true }]]);
  await nodes[1].hub.room("kept/1").broadcast("line", "three");
  await waitFor(() => ann.heard.length === 3, { what: "what is live again" });
  await nodes[1].hub.close();
});

test("rejoin: onConnection runs first, and the rule is not called for its rooms", async () => {
  const asked: string[] = [];
  const node: Node = await startNode({
    onConnection: async (conn) => {
      await node.hub.room("own").add(conn);
    },
    rejoin: ({ room, conn }) => {
      asked.push(`${room} ${conn.rooms.has("own")}`);
      return true;
    },
  });
  await using ann = await enter([node], ["a"]);
  await ann.links.drop(ann.client);
  await ann.links.back(ann.client);
  assertEquals([asked, await memberOf(node, "own"), await memberOf(node, "a")], [["a true"], 1, 1]);
  await node.hub.close();
});

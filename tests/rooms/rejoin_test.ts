import { assertEquals } from "@std/assert";
import {
  type Client,
  type ClientOptions,
  createClient,
  createMemoryAdapter,
  createMemoryBus,
  createMemoryHistory,
  defineContract,
  HubError,
  type RoomRecovery,
} from "@trunkline/hub";
import type { Adapter } from "@trunkline/hub/adapters/adapter";
import { z } from "zod";
import { FakeClock } from "../fake_clock.ts";
import { test, waitFor } from "../harness.ts";
import { AT_ONCE, createRig, type Links, linksTo, type Rig, type RigOptions } from "../hub/rig.ts";
import { microtasks, rawClient, turn } from "../hub/wires.ts";

const contract = defineContract({
  roles: {
    member: {
      clientToServer: { join: { input: z.string(), output: z.void() } },
      serverToClient: { line: { payload: z.string() } },
    },
  },
  rooms: { "kept/:id": { history: { size: 8 } } },
});
type Definition = (typeof contract)["definition"];
type Node = Rig<Definition>;
type Member = Client<Definition, "member">;

async function startNode(options: RigOptions<Definition> = {}): Promise<Node> {
  const rig = createRig(contract, options);
  rig.hub.implement({ member: { join: (room, { conn }) => rig.hub.room(room).add(conn) } });
  await rig.hub.ready;
  return rig;
}

interface Guest extends AsyncDisposable {
  readonly client: Member;
  readonly links: Links;
  readonly heard: string[];
  readonly told: RoomRecovery[];
  readonly errors: { readonly code: string; readonly stage: string; readonly name: string | undefined }[];
}

/** A client of some nodes, on the first of them; it has joined rooms. */
async function enter(
  nodes: readonly Node[],
  rooms: readonly string[],
  options: Partial<ClientOptions<"member">> = {},
): Promise<Guest> {
  const links = linksTo(nodes);
  const errors: Guest["errors"] = [];
  const client = createClient(contract, {
    url: [...links.url],
    role: "member",
    token: "ann",
    transport: links.transport,
    ...AT_ONCE,
    random: () => 0,
    onError: (error, { stage, name }) => void errors.push({ code: (error as HubError).code, stage, name }),
    ...options,
  });
  const heard: string[] = [];
  client.on("line", (line) => void heard.push(line));
  const told: RoomRecovery[] = [];
  for (const room of rooms) await client.request("join", room);
  return { client, links, heard, told, errors, [Symbol.asyncDispose]: () => client.close() };
}

const follow = ({ client, told }: Guest) => client.onRecovery((recovery) => void told.push(recovery));
const memberOf = async (node: Node, room: string) => (await node.hub.room(room).members()).connections.length;

test("rejoin: a client that comes back to another node is in its rooms before it hears that it is open", async () => {
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

test("rejoin: who is not let in again is told why, room by room, and forgets it", async () => {
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
    ann.told.map(({ room, recovered, error }) => [room, recovered, error instanceof HubError, error!.code, error!.message]).sort(),
    [
      ["broken", false, true, "INTERNAL", "Internal error"],
      ["no", false, true, "FORBIDDEN", 'Not allowed to come back to "no"'],
      ["odd", false, true, "FORBIDDEN", 'Not allowed to come back to "odd"'],
      ["own", false, true, "PLAN", "Your plan has ended"],
    ],
  );
  assertEquals(node.errors.map(({ error, info }) => [(error as Error).message, info.stage, info.name]).sort(), [
    ["The rule rejoin answered an object: only true lets in, false refuses", "handler", "odd"],
    ["the password is hunter2", "handler", "broken"],
  ]);
  assertEquals([ann.errors, [...Object.keys(rules)].length], [[], asked]);
  await ann.links.drop(ann.client);
  await ann.links.back(ann.client);
  await turn();
  assertEquals([asked, ann.told.length, await memberOf(node, "yes"), await memberOf(node, "no")], [6, 4, 1, 0]);
  await node.hub.close();
});

test("rejoin: without a listener onError of the client hears who is not let in again", async () => {
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
  const id = { id: ann.client.connectionId! };
  node.hub.room("a").remove(id);
  await node.hub.cluster.leave({ user: "ann" }, "kept/1");
  node.hub.room("nowhere").remove(id);
  await microtasks();
  await ann.links.drop(ann.client);
  await ann.links.back(ann.client);
  assertEquals(asked, ["kept/2", "b"]);
  await node.hub.close();
});

test("rejoin: a server that puts nobody in again is told of, once", async () => {
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
    'Cannot come back to "a" without joining it anew: the server does not do that',
  ]]);
  await ann.links.drop(ann.client);
  await ann.links.back(ann.client, nodes[1]);
  assertEquals(ann.told.length, 1);
  for (const { hub } of nodes) await hub.close();
});

test("rejoin: a client that does not take in and out is not told of rooms, nor one of a hub without the rule", async () => {
  for (const [hello, rejoin, kinds] of [
    [{}, () => true, []],
    [{ joined: ["a"] }, undefined, []],
    [{ joined: ["a"] }, () => true, ["in", "in", "out"]],
  ] as const) {
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

test("rejoin: what a client claims is asked about once each, and bounded in number and length", async () => {
  const asked: string[] = [];
  const node = await startNode({ rejoin: ({ room }) => asked.push(room) > 0 });
  const hello = (joined: unknown) => rawClient(node.loopback.client(), { role: "member", joined });
  const twice = await hello(["a", "a", "", "__proto__"]);
  await turn();
  assertEquals(asked.splice(0), ["a", "", "__proto__"]);
  assertEquals(twice.heard.slice(1).map((message) => message.join(" ")), ["in a", "in ", "in __proto__"]);
  const most = await hello(Array.from({ length: 400 }, (_, i) => `room ${i}`));
  await waitFor(() => most.heard.length === 401, { what: "all rooms" });
  assertEquals(asked.splice(0).length, 400);
  const wrong = [
    Array.from({ length: 401 }, (_, i) => `room ${i}`),
    ["x".repeat(16_385)],
    Array.from({ length: 401 }, () => "the same"),
    "a",
    [1],
    null,
  ];
  for (const joined of wrong) {
    const client = await hello(joined);
    await waitFor(() => client.closed, { what: "the refusal" });
    assertEquals([client.closed!.code, client.heard.map(([kind]) => kind)], [4500, ["fault"]]);
  }
  assertEquals([asked, node.errors], [[], []]);
  twice.leave();
  most.leave();
  await node.hub.close();
});

test("rejoin: a rule that hangs lets the client open in time, is told as TIMEOUT, and is asked again", async () => {
  const clock = new FakeClock();
  const answers: PromiseWithResolvers<boolean>[] = [];
  const signals: AbortSignal[] = [];
  const node = await startNode({
    clock,
    authorizeTimeoutMs: 8_000,
    rejoin: ({ signal }) => {
      signals.push(signal);
      answers.push(Promise.withResolvers<boolean>());
      return answers.at(-1)!.promise;
    },
  });
  await using ann = await enter([node], ["a"]);
  follow(ann);
  await ann.links.drop(ann.client);
  const back = ann.links.back(ann.client);
  await waitFor(() => answers.length === 1, { what: "the rule" });
  assertEquals(ann.client.status, "reconnecting");
  clock.advance(5_000); // half of handshakeTimeoutMs
  await back;
  assertEquals([ann.told, signals[0]!.aborted], [[], false]);
  clock.advance(3_000);
  await waitFor(() => ann.told.length === 1, { what: "the refusal" });
  assertEquals([ann.told[0]!.error?.code, signals[0]!.aborted], ["TIMEOUT", true]);
  assertEquals(node.errors.map(({ error }) => (error as Error).message), [
    "The rule rejoin has not answered within 8000 ms",
  ]);
  clock.advance(250);
  await waitFor(() => answers.length === 2, { what: "the next question" });
  answers[0]!.resolve(true); // which nobody waits for any more
  await microtasks();
  assertEquals(await memberOf(node, "a"), 0);
  answers[1]!.resolve(true);
  await microtasks();
  assertEquals([await memberOf(node, "a"), ann.told.length], [1, 1]);
  await node.hub.close();
});

test("rejoin: a client keeps a room that it is out of for a while, whatever becomes of its link", async () => {
  let isAway = true;
  const node = await startNode({
    rejoin: () => {
      if (isAway) throw new HubError("UNAVAILABLE", "The database is away");
      return true;
    },
  });
  await using ann = await enter([node], ["a"]);
  follow(ann);
  for (const count of [1, 2]) {
    await ann.links.drop(ann.client);
    await ann.links.back(ann.client);
    await waitFor(() => ann.told.length === count, { what: "the refusal" });
  }
  isAway = false;
  await ann.links.drop(ann.client);
  await ann.links.back(ann.client);
  assertEquals([await memberOf(node, "a"), ann.told.map(({ error }) => error?.code)], [1, ["UNAVAILABLE", "UNAVAILABLE"]]);
  await node.hub.close();
});

test("rejoin: a room whose channel cannot be had now is told of, and entered when it can", async () => {
  const clock = new FakeClock();
  const inner = createMemoryAdapter();
  let fails = false;
  const adapter: Adapter = Object.assign(Object.create(inner), {
    subscribe: (channel: string, ...rest: []) =>
      fails && channel.includes("room") ? Promise.reject(new Error("no broker")) : inner.subscribe(channel, ...rest),
  });
  const node = await startNode({ adapter, clock, rejoin: () => true });
  await using ann = await enter([node], ["a"]);
  follow(ann);
  await ann.links.drop(ann.client);
  await waitFor(() => node.hub.stats().connections === 0, { what: "the hub to notice" });
  fails = true;
  await ann.links.back(ann.client);
  await waitFor(() => ann.told.length === 1, { what: "the refusal" });
  assertEquals([ann.told[0]!.error?.code, await memberOf(node, "a")], ["UNAVAILABLE", 0]);
  fails = false;
  await waitFor(async () => (clock.advance(250), await microtasks(), await memberOf(node, "a") === 1), { what: "the client to be in" });
  assertEquals(ann.told.length, 1);
  await node.hub.close();
});

test("rejoin: a room with history that the client comes back to sends what it missed", async () => {
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

test("rejoin: onConnection comes first, and what it has done is not asked about", async () => {
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

test("rejoin: a client that leaves while the rule is asked, and a hub that closes, leave nothing behind", async () => {
  const clock = new FakeClock();
  const signals: AbortSignal[] = [];
  let answer = Promise.withResolvers<boolean>();
  const node = await startNode({
    clock,
    rejoin: ({ signal }) => (signals.push(signal), answer.promise),
  });
  const idle = clock.pending;
  const joined = Array.from({ length: 20 }, (_, i) => `room ${i}`);
  const dial = () => {
    let end = () => {};
    const closed = new Promise<void>((resolve) => {
      end = node.loopback.client().connect("ws://loopback", ["trunkline.v1.json"], {
        open: (link) => link.send(JSON.stringify([["hello", { role: "member", joined }]])),
        message() {},
        drain() {},
        close: () => resolve(),
      }) as unknown as () => void;
    });
    return { leave: () => end(), closed };
  };
  const first = dial();
  await waitFor(() => signals.length === 8, { what: "the first questions" });
  first.leave();
  await waitFor(() => node.hub.stats().connections === 0, { what: "the client to be gone" });
  assertEquals(signals.map(({ aborted }) => aborted), Array(8).fill(true));
  answer.resolve(true);
  await microtasks();
  assertEquals([signals.length, node.errors, clock.pending <= idle + 1], [8, [], true]);
  answer = Promise.withResolvers();
  const second = dial();
  await waitFor(() => signals.length === 16, { what: "the next questions" });
  const closing = node.hub.close();
  await second.closed;
  await closing;
  assertEquals(signals.every(({ aborted }) => aborted), true);
  answer.reject(new Error("too late"));
  await microtasks();
  assertEquals([signals.length, node.errors], [16, []]);
});

test("rejoin: a client names as many rooms as a hello takes, those that it joined last, and tells of the others", async () => {
  const asked: string[] = [];
  const node = await startNode({ rejoin: ({ room }) => asked.push(room) > 0 });
  await using ann = await enter([node], []);
  follow(ann);
  const rooms = Array.from({ length: 410 }, (_, i) => `room ${i}`);
  for (const room of rooms) await node.hub.room(room).add({ id: ann.client.connectionId! });
  await turn();
  await ann.links.drop(ann.client);
  await ann.links.back(ann.client);
  await waitFor(() => asked.length === 400, { what: "the questions" });
  assertEquals([new Set(asked).has("room 409"), new Set(asked).has("room 9")], [true, false]);
  assertEquals(ann.told.map(({ room, error }) => `${room} ${error?.code}`), rooms.slice(0, 10).map((room) => `${room} FORBIDDEN`));
  await node.hub.close();
});

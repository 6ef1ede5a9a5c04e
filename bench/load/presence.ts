/**
 * The load `presence`: many members enter and leave a room on several nodes, and clients of one node watch members that enter
 * on another. The load `listing` asks a peer for the members of a room.
 *
 * @module
 */

import type { ClusterDialect } from "./cluster_dialects.ts";
import { openMany } from "./connection.ts";
import { type Members, Node, type NodeCosts } from "./node.ts";
import { redisUsage } from "./redis_usage.ts";
import { Stopwatch } from "./server.ts";
import { received, settle } from "./settle.ts";

/** The orders for the load. */
export interface PresenceLoad {
  /** The ports of the nodes, at least two. */
  readonly ports: readonly number[];
  readonly dialect: ClusterDialect;
  readonly redisPorts: readonly number[];
  /** The number of members, divided equally among the nodes. */
  readonly members: number;
  /** The number of members of the room with few. */
  readonly few: number;
  /** How many clients of the first node watch, and how many members of the second node enter meanwhile. */
  readonly watchers: number;
  readonly burst: number;
}

/** The figures of all members entering, or all leaving. */
export interface Movement {
  /** How many did: the lowest count of any node. */
  readonly known: number;
  /** The time from the first one until every node knows all of them. */
  readonly ms: number;
  /** The processor time of all nodes meanwhile. */
  readonly cpuMs: number;
  /** The bytes that the broker received and sent. */
  readonly published: number;
  readonly sent: number;
}

/** The figures of the watchers. */
export interface Watching {
  /** The time from the first member that enters until the last watcher knows all of them. */
  readonly ms: number;
  /** The processor time of both nodes meanwhile, and that of the load client. */
  readonly cpuMs: number;
  readonly loadCpuMs: number;
  readonly delivered: number;
  readonly expected: number;
  /** Whether one watcher was told each member once. */
  readonly once: boolean;
  /** The frames and bytes that all watchers got. */
  readonly frames: number;
  readonly bytes: number;
}

/** What came of it. */
export interface PresenceOutcome {
  readonly members: number;
  readonly joins: Movement;
  readonly leaves: Movement;
  /** The memory of members on a node, compared with a room without presence: the mean of all nodes, in bytes. */
  readonly heap: number;
  /** The resident memory of a whole node: the mean of all nodes. */
  readonly rss: number;
  /** The memory in the broker. */
  readonly redis: number;
  readonly costs: NodeCosts;
  readonly watching: Watching;
}

/** The orders for `listing`. */
export type ListingLoad = Pick<PresenceLoad, "ports" | "redisPorts" | "few" | "members">;

/** The result of `listing`. */
export interface ListingOutcome {
  readonly members: number;
  /** How many members the lists contained. */
  readonly listed: number;
  /** The time of a list with few members, and with all, in microseconds. */
  readonly countFewUs: number;
  readonly countUs: number;
  /** The bytes that the broker received and sent for a list of all members. */
  readonly published: number;
  readonly sent: number;
}

/** The share of the members that enters and leaves to warm up. */
const WARM_UP = 0.25;
const ROOMS = { warm: "crowd/warm", few: "crowd/few", all: "crowd/all", seen: "crowd/seen" };
/** A room without presence. */
const HALL = "hall";
/** How many lists are requested. */
const LISTS = 3;

/** Members for each of the nodes. */
const spread = (count: number, nodes: number): Members[] =>
  Array.from({ length: nodes }, (_, i) => ({ from: 1 + i * count / nodes, count: count / nodes }));

/** The same, but only a share of each. */
const someOf = (members: readonly Members[], share: number): Members[] =>
  members.map(({ from, count }) => ({ from, count: Math.round(count * share) }));

const total = (members: readonly Members[]): number => members.reduce((sum, { count }) => sum + count, 0);

/** Lets the members of all nodes enter a room, or leave it, until every node knows. */
async function move(
  nodes: readonly Node[],
  redisPorts: readonly number[],
  what: "enter" | "leave",
  room: string,
  members: readonly Members[],
): Promise<Movement> {
  const wanted = what === "enter" ? total(members) : 0;
  const before = await redisUsage(redisPorts);
  const start = await Stopwatch.start(...nodes.map(({ port }) => port));
  const sent = nodes.map((node, i) => node.send(what, room, members[i]!));
  const [counts] = await Promise.all([
    Promise.all(nodes.map((node) => node.until(room, wanted))),
    ...sent,
  ]);
  const { ms, cpuMs } = await start.stop();
  const after = await redisUsage(redisPorts);
  return {
    known: what === "enter" ? Math.min(...counts) : total(members) - Math.max(...counts),
    ms,
    cpuMs,
    published: after.received - before.received,
    sent: after.sent - before.sent,
  };
}

/** The sum of the memory of all nodes after a garbage collection. */
async function memory(nodes: readonly Node[]) {
  const sum = { heapUsed: 0, rss: 0 };
  for (const node of nodes) {
    const { heapUsed, rss } = await node.memory();
    sum.heapUsed += heapUsed;
    sum.rss += rss;
  }
  return sum;
}

/** All members enter, are counted, and leave. Then some enter while clients watch. */
export async function presence(load: PresenceLoad): Promise<PresenceOutcome> {
  const { ports, redisPorts, members } = load;
  const nodes = ports.map((port) => new Node(port));
  const all = spread(members, nodes.length);
  await Promise.all(nodes.map((node, i) => node.connect(all[i]!)));
  const go = (what: "enter" | "leave", room: string, who: readonly Members[]) =>
    move(nodes, redisPorts, what, room, who);
  for (const what of ["enter", "leave"] as const) await go(what, ROOMS.warm, someOf(all, WARM_UP));
  await go("enter", ROOMS.few, someOf(all, load.few / members));

  await Promise.all(nodes.map((node, i) => node.send("enter", HALL, all[i]!)));
  const [memoryBefore, redisBefore] = [await memory(nodes), await redisUsage(redisPorts)];
  await Promise.all(nodes.map((node, i) => node.send("leave", HALL, all[i]!)));
  const joins = await go("enter", ROOMS.all, all);
  const [memoryAfter, redisAfter] = [await memory(nodes), await redisUsage(redisPorts)];
  const costs = await nodes[0]!.costs(ROOMS.few, ROOMS.all);
  const leaves = await go("leave", ROOMS.all, all);
  return {
    members,
    joins,
    leaves,
    heap: (memoryAfter.heapUsed - memoryBefore.heapUsed) / nodes.length,
    rss: memoryAfter.rss / nodes.length,
    redis: redisAfter.memory - redisBefore.memory,
    costs,
    watching: await watch(nodes as [Node, Node], all[1]!, load),
  };
}

/** Clients of one node watch a room that members of another node enter. */
async function watch(
  [near, far]: readonly [Node, Node, ...Node[]],
  { from }: Members,
  { dialect, watchers, burst }: PresenceLoad,
): Promise<Watching> {
  const clients = await openMany(near.port, dialect, watchers);
  const ask = JSON.stringify([["watch", 1, `room:${ROOMS.seen}`, { by: "user" }]]);
  await Promise.all(clients.map((client) => client.talk([{ say: ask }, { waitFor: '["res",1' }])));
  let seen = new Map<number, number>();
  for (const [i, client] of clients.entries()) {
    // A frame may tell of several members, and its size differs: so a client must read the names.
    client.onMessage = i > 0 ? () => {} : (number) => void seen.set(number, (seen.get(number) ?? 0) + 1);
  }
  /** Members enter, or leave, and all watchers are told. */
  const round = async (what: "enter" | "leave", count: number) => {
    seen = new Map();
    const sum = (which: "frames" | "bytes") => clients.reduce((sum, client) => sum + client[which], 0);
    const before = { received: received(clients), frames: sum("frames"), bytes: sum("bytes") };
    const expected = count * watchers;
    const start = await Stopwatch.start(near.port, far.port);
    const sent = far.send(what, ROOMS.seen, { from, count });
    await settle(clients, before.received + expected);
    const figures = await start.stop();
    await sent;
    return {
      ...figures,
      delivered: received(clients) - before.received,
      expected,
      once: seen.size === count && [...seen.values()].every((times) => times === 1),
      frames: sum("frames") - before.frames,
      bytes: sum("bytes") - before.bytes,
    };
  };
  for (const what of ["enter", "leave"] as const) await round(what, Math.round(burst * WARM_UP));
  const watching = await round("enter", burst);
  for (const client of clients) client.destroy();
  return watching;
}

/** Asks for the members of a room with few, and of one with many. */
export async function listing({ ports, redisPorts, few, members }: ListingLoad): Promise<ListingOutcome> {
  const nodes = ports.map((port) => new Node(port));
  const [asked] = nodes as [Node];
  const fill = (room: string, count: number) =>
    Promise.all(nodes.map((node, i) => node.send("enter", room, spread(count, nodes.length)[i]!)));
  /** The fastest of several lists; the first one warms up. */
  const list = async (room: string) => {
    const lists = [];
    for (let i = 0; i < LISTS; i++) lists.push(await asked.list(room));
    return lists.reduce((a, b) => a.us < b.us ? a : b);
  };
  await fill(ROOMS.few, few);
  const { us: countFewUs } = await list(ROOMS.few);
  await fill(ROOMS.all, members);
  const before = await redisUsage(redisPorts);
  const { count: listed, us: countUs } = await list(ROOMS.all);
  const after = await redisUsage(redisPorts);
  return {
    members,
    listed,
    countFewUs,
    countUs,
    published: (after.received - before.received) / LISTS,
    sent: (after.sent - before.sent) / LISTS,
  };
}

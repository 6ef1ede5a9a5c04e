import { assert, assertEquals } from "@std/assert";
import { waitFor } from "../harness.ts";
import type { Order } from "../hub/cluster.ts";
import { turn } from "../hub/wires.ts";
import { Ledger, Listener } from "./ledger.ts";
import { LoopClient } from "./loop_client.ts";
import { Random } from "./random.ts";
import { CODECS, type LoadNode, loadTest, type Mark, onCluster } from "./scene.ts";

const NODES = 2;
const PER_NODE = 6;
const USERS = 3;
const ROOMS = ["r0", "r1", "r2"];
const FEEDS = ["feed/0", "feed/1"] as const;
const FILL = "x".repeat(300);
/** How many messages a node sends in a turn, and after how many turns all must have arrived. */
const BURST = 15;
const TURNS = 2;
const outbox = { maxMessages: 10, maxBytes: 1e6, highWaterBytes: 8_000, maxFrameMessages: 10 };
/** How many times its limit a queue may hold for a moment. */
const MOMENT = 8;
/** More than the link and the queue of a client hold that does not read. */
const FLOOD = outbox.highWaterBytes / FILL.length + MOMENT * outbox.maxMessages + 2 * BURST;

/** A client, and what it must hear. */
interface Peer {
  readonly client: LoopClient;
  readonly home: number;
  readonly channels: ReadonlySet<string>;
  listener: Listener;
}

/** The clients of a cluster, and what is sent to them. */
class Scene {
  readonly peers: Peer[] = [];
  readonly random: Random = new Random(9);
  readonly #nodes: readonly LoadNode[];
  readonly order: Order;
  ledger: Ledger;

  constructor(nodes: readonly LoadNode[], order: Order) {
    this.#nodes = nodes;
    this.order = order;
    this.ledger = new Ledger(order);
  }

  /** Connects a client with a role of its own, in some rooms and topics. */
  async connect(home: number, i: number, channels: readonly string[]): Promise<Peer> {
    const { hub, loopback } = this.#nodes[home]!;
    const role = i % 4 === 3 ? "guest" : "member";
    const token = `u${i % USERS}`;
    const client = await LoopClient.open(loopback, { role, token, codec: CODECS[i % 2] });
    for (const name of channels) {
      await (name.includes("/") ? client.subscribe(name) : hub.room(name).add(client));
    }
    const all = new Set([...channels, role, token, client.id]);
    const peer: Peer = { client, home, channels: all, listener: new Listener(client.id, home, all) };
    client.onMessage = (mark) => peer.listener.take(mark as Mark);
    this.peers.push(peer);
    return peer;
  }

  /** Begins with another kind: nothing has been sent yet. */
  begin(): void {
    this.ledger = new Ledger(this.order);
    for (const peer of this.peers) peer.listener = new Listener(peer.client.id, peer.home, peer.channels);
    this.ledger.listeners.push(...this.peers.map(({ listener }) => listener));
  }

  /** A message that is for those on a channel. */
  mark(p: number, channels: readonly string[], isFor: (listener: Listener) => boolean = () => true): Mark {
    const mark = this.ledger.mark(p, channels.join(), FILL);
    this.ledger.note(mark, (one) => channels.some((name) => one.channels.has(name)) && isFor(one));
    return mark;
  }

  /** Sends an event to a room, to several, or to those of a room whose role has it. */
  toRooms(p: number, rooms: readonly string[], name: "note" | "line" = "note", except?: Peer): void {
    const isFor = ({ id, channels }: Listener) =>
      id !== except?.client.id && (name === "note" || channels.has("member"));
    const mark = this.mark(p, rooms, isFor);
    const { hub } = this.#nodes[p]!;
    const room = rooms.length === 1 ? hub.room(rooms[0]!) : hub.rooms(rooms);
    room.broadcast(name, mark, { except: except?.client });
  }

  toTopic(p: number): void {
    const topic = this.random.pick([...FEEDS, "log/0"] as const);
    void this.#nodes[p]!.hub.publish(topic as "feed/0", this.mark(p, [topic]));
  }

  toUser(p: number): void {
    const { hub } = this.#nodes[p]!;
    const user = `u${this.random.below(USERS)}`;
    const role = this.random.pick(["member", "guest"] as const);
    if (this.random.oneIn(2)) hub.user(user).emit("note", this.mark(p, [user]));
    else hub.forRole(role).emit("note", this.mark(p, [role]));
  }

  /** An event for one; or a request of one who reads: all others hear of it, and it gets the answer. */
  toOne(p: number): void {
    const own = this.peers.filter(({ home, channels }) => home === p && !channels.has("stuck"));
    const one = this.random.pick(own);
    const { id } = one.client;
    if (this.random.oneIn(2) || !one.channels.has("member")) {
      return this.#nodes[p]!.hub.connection(id).emit("note", this.mark(p, [id]));
    }
    // Answers are counted apart: other calls may come between a request and its answer.
    one.client.request("ask", this.mark(NODES + this.peers.indexOf(one), [id]));
  }
}

/** The kinds of cohorts: how the groups of those lie who get the same messages. */
const KINDS: Readonly<Record<string, (scene: Scene, p: number) => void>> = {
  "one room": (scene, p) => scene.toRooms(p, ["r0"]),
  "many rooms": (scene, p) => {
    const { random } = scene;
    if (random.oneIn(3)) scene.toRooms(p, random.some(ROOMS));
    else scene.toRooms(p, [random.pick(ROOMS)], random.oneIn(3) ? "line" : "note");
  },
  "topics": (scene, p) => scene.toTopic(p),
  "users and roles": (scene, p) => scene.toUser(p),
  "answers and events for one": (scene, p) =>
    scene.random.oneIn(2) ? scene.toOne(p) : scene.toRooms(p, ["r0"]),
  "except": (scene, p) => {
    const { random, peers } = scene;
    const rooms = random.oneIn(3) ? random.some(ROOMS) : ["r0"];
    scene.toRooms(p, rooms, random.oneIn(4) ? "line" : "note", random.pick(peers));
  },
  "mixed": (scene, p) => {
    const kinds = Object.keys(KINDS).filter((kind) => kind !== "mixed");
    KINDS[scene.random.pick(kinds)]!(scene, p);
  },
};

/** Sends messages of a kind until the stuck clients had to be closed or to lose some. */
async function flood(
  nodes: readonly LoadNode[],
  scene: Scene,
  kind: string,
  stuck: readonly Peer[],
): Promise<void> {
  const { random, ledger } = scene;
  const readers = scene.peers.filter((peer) => !stuck.includes(peer));
  for (let turns = 1; stuck.some(({ listener }) => listener.expected.length < FLOOD); turns++) {
    const late = random.pick(readers);
    late.client.pause();
    for (let i = 0; i < BURST; i++) for (const p of nodes.keys()) KINDS[kind]!(scene, p);
    await turn();
    for (const { hub } of nodes) {
      const most = 2 * (MOMENT * outbox.maxMessages + outbox.maxFrameMessages); // the stuck one's, and the late one's
      assert(hub.stats().held <= most, `${kind}: ${hub.stats().held} held`);
    }
    late.client.resume();
    if (turns % TURNS > 0) continue;
    await waitFor(() => readers.every(({ listener }) => !listener.waits), {
      what: `all of "${kind}" to arrive`,
    })
      .catch(() => {}); // what is missing is said below
    for (const { listener } of readers) listener.check(undefined, scene.order);
  }
  assert(ledger.published >= FLOOD);
}

loadTest(
  "promises 2, 3 and 8 under load: in cohorts of every kind all get everything once, in order, and who does not read is closed or loses the oldest",
  async (backbone, order) => {
    const policies = ["close", "drop"] as const;
    const codes = new Map<string, number>();
    const options = (index: number) => ({
      limits: { outbox },
      heartbeatMs: 1e9,
      slowConsumer: policies[index],
      onDisconnect: ({ id }: { readonly id: string }, { code }: { readonly code: number }) =>
        void codes.set(id, code),
    });
    await onCluster(backbone, NODES, options, async (nodes) => {
      const scene = new Scene(nodes, order);
      for (const [p, node] of nodes.entries()) {
        node.asked = (_, client) => {
          const asker = scene.peers.find(({ client: { id } }) => id === client.id);
          scene.toRooms(p, ["r0"], "note", asker);
        };
        for (let i = 0; i < PER_NODE; i++) {
          const some = [...scene.random.some(ROOMS.slice(1)), ...scene.random.some([...FEEDS, "log/0"])];
          await scene.connect(p, i, ["r0", ...some]);
        }
      }
      for (const kind of Object.keys(KINDS)) {
        // What a history keeps must not be dropped, so the one that is to lose some is not on it.
        const closed = await scene.connect(0, 0, [...ROOMS, ...FEEDS, "log/0"]);
        const losing = await scene.connect(1, 1, [...ROOMS, ...FEEDS]);
        const stuck = [closed, losing];
        scene.begin();
        for (const { client } of stuck) client.pause();
        await flood(nodes, scene, kind, stuck);

        for (const { client } of stuck) client.resume();
        await waitFor(() => closed.client.closed !== undefined, {
          what: `a client to be closed in "${kind}"`,
        });
        assertEquals([codes.get(closed.client.id), losing.client.closed], [4002, undefined], kind);
        assert(closed.listener.checkWhatCame(undefined, order).length > 0, kind);
        await waitFor(() => nodes.every(({ hub }) => hub.stats().held === 0), { what: "nothing to be held" });
        const last = scene.mark(1, ["r0"], ({ id }) => id !== closed.client.id);
        nodes[1]!.hub.room("r0").broadcast("note", last);
        const hasLast = ({ listener }: Peer) =>
          listener === closed.listener || listener.lastOfHome === last.n;
        await waitFor(() => scene.peers.filter(({ home }) => home === 1).every(hasLast));
        const missing = losing.listener.checkWhatCame(undefined, order);
        assert(missing.length > 0 && missing.length < losing.listener.expected.length, kind);

        losing.client.leave();
        for (const peer of stuck) scene.peers.splice(scene.peers.indexOf(peer), 1);
        scene.ledger.listeners.splice(PER_NODE * NODES);
        await scene.ledger.arrive();
        scene.ledger.check();
      }
      assertEquals(scene.peers.filter(({ client }) => client.closed !== undefined), []);
      for (const { client } of scene.peers) client.leave();
      assertEquals(nodes.flatMap(({ errors }) => errors), []);
    });
  },
);

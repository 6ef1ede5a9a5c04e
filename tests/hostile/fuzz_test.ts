import { assert, assertEquals } from "@std/assert";
import { CLOSE_CODES, createHub, HubError } from "@trunkline/hub";
import { asServerMessage, asWhoChange, type Encoded } from "@trunkline/hub/contract";
import { createLoopbackTransport, type LoopbackClient } from "@trunkline/hub/transports/loopback";
import fc from "fast-check";
import { setImmediate } from "node:timers/promises";
import { clientMessage, damaged, json } from "../contract/arbitraries.ts";
import { assertPrototypesUntouched, runs } from "../contract/runs.ts";
import { FakeClock } from "../fake_clock.ts";
import { test } from "../harness.ts";
import { contract } from "./scene.ts";

/** Few ids and names, so that messages meet each other. */
const id = fc.integer({ min: 1, max: 4 });
const topic = fc.constantFrom("open/1", "open/2", "secret/1", "slow/1", "log/1", "nothing");
const request = fc.constantFrom("echo", "strict", "late", "tree", "wait", "fail", "nothing");
const signal = fc.constantFrom("any", "record", "object", "loose", "dawdle", "nothing");
const place = fc.constantFrom(
  "room:all",
  "topic:open/1",
  "room:ruled/1",
  "topic:slow/1",
  "room:nothing",
  "all",
  "",
);
const by = fc.constantFrom("user", "connection");
const since = fc.tuple(fc.constantFrom("", "e"), fc.nat({ max: 3 }));

const plausible: fc.Arbitrary<unknown[]> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.tuple(fc.constant("req"), id, request, fc.oneof(json, fc.constant({}), fc.constant("x"))),
  },
  { weight: 3, arbitrary: fc.tuple(fc.constant("sig"), signal, json) },
  { weight: 3, arbitrary: fc.tuple(fc.constant("sub"), id, topic) },
  { weight: 2, arbitrary: fc.tuple(fc.constant("sub"), id, topic, fc.record({ since })) },
  { weight: 3, arbitrary: fc.tuple(fc.constant("unsub"), topic) },
  { weight: 3, arbitrary: fc.tuple(fc.constant("watch"), id, place, fc.record({ by })) },
  { weight: 2, arbitrary: fc.tuple(fc.constant("unwatch"), place, by) },
  { weight: 2, arbitrary: fc.tuple(fc.constant("state"), id, place, json) },
  { weight: 2, arbitrary: fc.tuple(fc.constant("members"), id, place, fc.record({ by, limit: id })) },
  { weight: 2, arbitrary: fc.tuple(fc.constant("cancel"), id) },
  { weight: 2, arbitrary: fc.tuple(fc.constant("res"), id, json) },
  { weight: 1, arbitrary: fc.constantFrom<unknown[][]>(["ping"], ["pong"]) },
  { weight: 1, arbitrary: clientMessage },
);

type Step = { readonly frame: string } | {
  readonly act: "turn" | "sever" | "publish" | "ask" | "pause" | "resume";
};

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.array(plausible, { maxLength: 4 }).map((list) => ({ frame: JSON.stringify(list) })),
  },
  {
    weight: 1,
    arbitrary: damaged(plausible as fc.Arbitrary<readonly unknown[]>).map((frame) => ({ frame })),
  },
  {
    weight: 4,
    arbitrary: fc.constantFrom("turn", "turn", "publish", "publish", "ask", "pause", "resume", "sever")
      .map((act) => ({ act }) as Step),
  },
);

/** The close codes for a client's own messages or actions. */
const CODES = new Set<number>([
  1006,
  CLOSE_CODES.PROTOCOL_ERROR,
  CLOSE_CODES.FORBIDDEN,
  CLOSE_CODES.FRAME_TOO_LARGE,
  CLOSE_CODES.RATE_LIMITED,
  CLOSE_CODES.SLOW_CONSUMER,
]);

/** A client that speaks frames. */
class Fuzzer {
  readonly heard: unknown[] = [];
  closedWith: number | undefined;
  #send: ((frame: Encoded) => void) | undefined;
  readonly #close: (code: number, reason: string) => void;

  constructor(client: LoopbackClient) {
    this.#close = client.connect("ws://loopback", ["trunkline.v1.json"], {
      open: (link) => this.#send = (frame) => link.send(frame),
      message: (frame) => this.heard.push(...JSON.parse(frame as string) as unknown[]),
      drain() {},
      close: (code) => this.closedWith = code,
    });
  }

  say(frame: string): void {
    this.#send?.(frame);
  }

  close(): void {
    this.#close(1000, "");
  }
}

/** The ids of a place's members, by the received messages, and their expected number. */
function whoIn(heard: readonly unknown[]): { readonly ids: string[]; readonly count: number } {
  const ids = new Set<string>();
  let count = 0;
  for (const message of heard) {
    const [kind, , , change] = message as unknown[];
    if (kind !== "who") continue;
    const { all, out = [], in: put = [], ...rest } = asWhoChange(change);
    if (all) ids.clear();
    for (const id of out) ids.delete(id);
    for (const [id] of [...all ?? [], ...put]) ids.add(id);
    count = rest.count ?? count;
  }
  return { ids: [...ids], count };
}

/** Loopback needs no time, only its turn. */
const turn = () => setImmediate();

test(
  "hostile: whatever a client sends, in whatever order, the hub answers by the protocol, forgets it, and serves others",
  async () => {
    const loopback = createLoopbackTransport();
    const errors: unknown[] = [];
    // Rates must not depend on how fast this machine is: a fast one made the neighbour exceed its own.
    const clock = new FakeClock();
    await using hub = createHub(contract, {
      authenticate: ({ role }) => Promise.resolve({ role }),
      transports: [loopback],
      clock,
      async onConnection(conn) {
        await hub.room("all").add(conn);
      },
      authorize: {
        "secret/:id": () => false,
        "slow/:id": async () => {
          await turn();
          return true;
        },
      },
      presence: {
        intervalMs: 0,
        authorize: {
          "ruled/:id": ({ conn }) => conn.role === "member",
          "slow/:id": async () => {
            await turn();
            return true;
          },
        },
      },
      limits: {
        messagesPerSecond: 5_000,
        messageBurst: 30,
        maxSubscriptions: 3,
        maxPendingRequests: 3,
        maxConnectionsPerAddress: 1_000, // so that addresses are counted
      },
      onError: (error) => errors.push(error),
    });
    const tell = (name: "any" | "record" | "object" | "loose") => (value: unknown) =>
      hub.room("all").broadcast(name, value as never);
    hub.implement({
      member: {
        echo: (value) => value,
        strict: (value) => value,
        late: (text) => text,
        tree: (value) => JSON.stringify(value).length,
        wait: (_, { signal }) =>
          new Promise((_, no) => signal.addEventListener("abort", () => no(signal.reason))),
        stubborn: () => turn(),
        dawdle: () => turn(),
        any: tell("any"),
        record: tell("record"),
        object: tell("object"),
        loose: tell("loose"),
      },
    });
    await hub.ready;

    const neighbour = new Fuzzer(loopback.client());
    await turn();
    neighbour.say('[["hello",{"role":"member"}]]');
    await turn();
    neighbour.say('[["watch",4711,"room:all"]]');
    await turn();
    const seen = neighbour.heard.filter((message) => (message as unknown[])[0] === "who");
    neighbour.heard.length = 0;
    let asked = 0;
    const sessions = fc.tuple(fc.array(step, { maxLength: 12 }), fc.integer({ min: 0, max: 9 }));
    await fc.assert(
      fc.asyncProperty(sessions, async ([steps, beginning]) => {
        clock.advance(1);
        const client = loopback.client();
        const fuzzer = new Fuzzer(client);
        await turn();
        if (beginning > 0) fuzzer.say(`[["hello",{"role":"${beginning === 1 ? "nobody" : "member"}"}]]`);
        if (beginning > 2) await turn();
        for (const step of steps) {
          if ("frame" in step) fuzzer.say(step.frame);
          else if (step.act === "turn") await turn();
          else if (step.act === "publish") {
            hub.publish("open/1", 1);
            hub.publish("slow/1", 1);
            hub.publish("log/1", 1);
          } else if (step.act === "ask") {
            for (const { id } of (await hub.cluster.connections()).connections) {
              hub.connection(id).emit("any", 1);
            }
          } else client[step.act]();
        }
        client.resume();
        await turn();
        for (const message of fuzzer.heard) {
          const [kind, , , change] = asServerMessage(message) as unknown as unknown[];
          if (kind === "who") asWhoChange(change);
        }
        const { closedWith } = fuzzer;
        assert(closedWith === undefined || CODES.has(closedWith), `closed with ${closedWith}`);
        fuzzer.close();
        await turn();
        neighbour.say(`[["req",${++asked},"echo",${asked}]]`);
        await turn();
        assertEquals(neighbour.heard.filter((message) => (message as unknown[])[0] === "res"), [[
          "res",
          asked,
          asked,
        ]]);
        seen.push(...neighbour.heard.filter((message) => (message as unknown[])[0] === "who"));
        neighbour.heard.length = 0;
        const inside = whoIn(seen);
        assertEquals([inside.ids.length, inside.count], [1, 1]);
        seen.length = 1;
        const { channels, histories, refused: _, ...counts } = hub.stats();
        assertEquals(
          { ...counts, channels: channels - histories },
          {
            ...NOTHING,
            connections: 1,
            groups: 2,
            channels: 2,
            limited: 1,
            presence: { places: 1, members: 1 },
          },
        );
        for (const error of errors) assert(error instanceof HubError, String(error));
        errors.length = 0;
      }),
      runs(2_000),
    );
    neighbour.close();
    await turn();
    const { channels, histories, refused: _, ...counts } = hub.stats();
    assertEquals({ ...counts, channels: channels - histories }, NOTHING);
    assertPrototypesUntouched();
  },
  { timeoutMs: 60_000 },
);

const NOTHING = {
  connections: 0,
  handshakes: 0,
  authenticating: 0,
  queued: 0,
  historyReads: 0,
  lingering: 0,
  groups: 0,
  subscriptions: 0,
  channels: 0,
  handling: 0,
  answering: 0,
  asking: 0,
  nodeRequests: 0,
  held: 0,
  remembered: 0,
  limited: 0,
  presence: { places: 0, members: 0 },
};

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Subscription } from "../../client/mod.ts";
import { test } from "../harness.ts";
import { opened, retried, type Rig } from "./setup.ts";
import { WELCOME } from "./fake_server.ts";
import { SimHub } from "./sim_hub.ts";

const TOPICS = ["stats", "ticker/A", "ticker/B"] as const;

type Command =
  | { do: "subscribe" | "publish" | "lose message" | "end" | "trim" | "gap"; topic: number }
  | { do: "unsubscribe" | "read" | "write"; n: number }
  | { do: "lose link"; epoch: boolean }
  | { do: "welcome"; early: boolean }
  | { do: "connect" | "turn" | "deny" | "fail" };

const topic = fc.nat(TOPICS.length - 1);
const n = fc.nat(5);
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constantFrom("subscribe" as const, "publish" as const), topic }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constantFrom("lose message" as const, "end" as const, "trim" as const, "gap" as const),
      topic,
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("unsubscribe" as const), n }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom("read" as const, "write" as const), n }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("lose link" as const), epoch: fc.boolean() }) },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constantFrom("connect" as const, "turn" as const, "turn" as const) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("welcome" as const), early: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("deny" as const, "fail" as const) }) },
);

/** One subscription, and what its listener heard. */
interface Watched {
  sub: Subscription;
  left: boolean;
  heard: ({ offset: number; epoch: string } | "missing")[];
  ready: "pending" | "resolved" | "rejected";
}

/** Lets what waits in microtasks run, without a timer's delay. */
async function microtasks(): Promise<void> {
  for (let i = 0; i < 10; i++) await Promise.resolve();
}

class Run {
  readonly hub = new SimHub();
  readonly all: Watched[] = [];
  /** Whether the client has said hello and got no welcome yet. */
  #greeted = false;

  constructor(readonly rig: Rig) {
    this.hub.attach(rig.server.link);
  }

  async step(command: Command): Promise<void> {
    const { hub, rig } = this;
    switch (command.do) {
      case "subscribe":
        return this.#subscribe(TOPICS[command.topic]!);
      case "publish":
        return hub.publish(TOPICS[command.topic]!);
      case "lose message":
        return hub.publish(TOPICS[command.topic]!, { lost: true });
      case "end":
        return hub.end(TOPICS[command.topic]!);
      case "gap":
        return hub.gap(TOPICS[1 + command.topic % 2]!);
      case "trim": {
        const log = hub.log(TOPICS[command.topic]!);
        log.first = log.head + 1;
        return;
      }
      case "unsubscribe": {
        const watched = this.all[command.n % (this.all.length || 1)];
        watched?.sub.unsubscribe();
        if (watched) watched.left = true;
        return;
      }
      case "read":
        return void hub.read(command.n);
      case "write":
        return void hub.write(command.n);
      case "deny":
      case "fail":
        hub.verdict = command.do;
        return;
      case "lose link":
        if (rig.client.status !== "open" && !this.#greeted) return;
        this.#greeted = false;
        rig.server.link.close();
        if (command.epoch) {
          for (const topic of TOPICS) {
            Object.assign(hub.log(topic), { epoch: hub.log(topic).epoch + 1, first: 1, head: 0 });
          }
        }
        return;
      case "connect":
        return await this.connect();
      case "welcome":
        return this.welcome(command.early);
      case "turn":
        return await microtasks();
    }
  }

  async connect(): Promise<void> {
    const { rig } = this;
    if (rig.client.status === "open" || this.#greeted) return;
    await retried(rig);
    rig.server.link.open();
    this.#greeted = true;
  }

  welcome(early: boolean): void {
    if (!this.#greeted) return;
    this.#greeted = false;
    const { link } = this.rig.server;
    this.hub.attach(link, early);
    link.say(["welcome", { ...WELCOME, ...(early && { topics: true }) }]);
  }

  /** Lets everything that is on its way arrive, and everything that was put off be tried again. */
  async settle(): Promise<void> {
    const { hub, rig } = this;
    hub.verdict = "accept";
    await this.connect();
    this.welcome(true);
    for (let quiet = 0; quiet < 3; quiet++) {
      await microtasks();
      while (hub.read(100) || hub.write(100)) {
        quiet = 0;
        await microtasks();
      }
      // Longer than any backoff so far, and not longer than the watchdog and the timeout of a subscribe allow.
      for (let i = 0; i < 10; i++) {
        rig.server.link.say(["ping"]);
        rig.clock.advance(900);
        await microtasks();
        hub.read(100);
        hub.write(100);
      }
    }
  }

  #subscribe(topic: (typeof TOPICS)[number]): void {
    const watched: Watched = { left: false, heard: [], ready: "pending", sub: undefined as never };
    watched.sub = this.rig.client.subscribe(topic, (_, { offset, epoch }) => {
      assert(!watched.left && watched.sub.status !== "ended", "called after it has ended");
      if (offset !== undefined) watched.heard.push({ offset, epoch: epoch! });
    }, {
      onRecovery: ({ recovered }) => {
        assert(!watched.left, "told of a recovery after it has ended");
        if (!recovered) watched.heard.push("missing");
      },
    });
    watched.sub.ready.then(() => watched.ready = "resolved", () => watched.ready = "rejected");
    this.all.push(watched);
  }
}

/** Whether nothing is missing, except where that was said. */
function assertWhole({ heard }: Watched): void {
  let last: { offset: number; epoch: string } | undefined;
  for (const item of heard) {
    if (item === "missing") {
      last = undefined;
      continue;
    }
    if (last) assertEquals(item, { offset: last.offset + 1, epoch: last.epoch });
    last = item;
  }
}

test("after any events in any order, client and hub agree in the end, and every missing message was reported", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: 60, size: "max" }), async (commands) => {
      const rig = await opened({ requestTimeoutMs: 60_000 });
      const run = new Run(rig);
      for (const command of commands) await run.step(command);
      await run.settle();
      // A message that was lost shows at the next one.
      for (const topic of TOPICS) run.hub.publish(topic);
      await run.settle();
      assertEquals(run.hub.violations, []);
      for (const watched of run.all) {
        assertWhole(watched);
        const { sub, ready, left, heard } = watched;
        assertEquals(ready === "pending", false);
        assertEquals(sub.status === "pending", false);
        if (left) assertEquals(sub.status, "ended");
        const last = heard.findLast((item) => item !== "missing");
        if (sub.status === "live" && sub.topic !== "stats") {
          assertEquals(last, {
            offset: run.hub.log(sub.topic).head,
            epoch: `e${run.hub.log(sub.topic).epoch}`,
          });
        }
      }
      const live = new Set(run.all.flatMap(({ sub }) => sub.status === "live" ? [sub.topic] : []));
      assertEquals(run.hub.active, [...live].sort());
      // Links that are lost again and again are an outage, which is reported.
      assertEquals(
        rig.errors.filter(({ info: { stage } }) => stage !== "subscribe" && stage !== "connect"),
        [],
      );
      await rig.client.close();
      for (const { sub, ready } of run.all) {
        assertEquals(sub.status, "ended");
        assert(ready !== "pending");
      }
      assertEquals(rig.clock.pending, 0);
    }),
    { numRuns: 500, seed: 20260 },
  );
});

/** Publishes with ids on nodes that keep their histories by themselves, while the backplane loses messages. */
import { assert, assertEquals } from "@std/assert";
import { createMemoryAdapter, createMemoryBus, defineContract } from "@trunkline/hub";
import fc from "fast-check";
import { z } from "zod";
import { runs } from "../contract/runs.ts";
import { FakeClock } from "../fake_clock.ts";
import { runtime, test } from "../harness.ts";
import { createRig } from "../hub/rig.ts";
import { microtasks, type RawClient, rawClient } from "../hub/wires.ts";

const NODES = 3;
const TOPICS = ["log/0", "log/1"] as const;
const IDS = [undefined, undefined, "a", "b", "__proto__", "constructor", '🙂\n"'];

const contract = defineContract({
  shared: { topics: { "log/:n": { payload: z.number(), history: { size: 500 } } } },
  roles: { member: {} },
});

const [node, topic] = [fc.nat(NODES - 1), fc.constantFrom(...TOPICS)];
const publishing = {
  weight: 8,
  arbitrary: fc.record({ do: fc.constant("publish" as const), node, topic, id: fc.constantFrom(...IDS) }),
};
const settling = { weight: 1, arbitrary: fc.record({ do: fc.constant("settle" as const) }) };
/** A network that is split, without notice. */
const split = {
  weight: 3,
  arbitrary: fc.record({ do: fc.constantFrom("cut" as const, "join" as const), node }),
};
/** A backplane that is away, and says so. */
const away = { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("down" as const, "up" as const) }) };

/** Three nodes, each with a client that subscribes to all topics. */
class Run {
  readonly #bus = createMemoryBus();
  readonly #rigs = Array.from({ length: NODES }, () =>
    createRig(contract, {
      adapter: createMemoryAdapter({ bus: this.#bus }),
      clock: new FakeClock(),
      cluster: { joinTimeoutMs: 0 },
    }));
  #clients: RawClient[] = [];
  readonly #published: { id: string | undefined; topic: string; heardBefore: number[] }[] = [];

  async start(): Promise<void> {
    await microtasks();
    for (const { hub } of this.#rigs) await hub.ready;
    this.#clients = await Promise.all(this.#rigs.map(({ loopback }) => rawClient(loopback.client())));
    for (const client of this.#clients) client.say(...TOPICS.map((topic, i) => ["sub", i + 1, topic]));
    await microtasks();
    await this.everybody(); // a node can miss only messages of a publisher that it knows
  }

  async publish(node: number, topic: (typeof TOPICS)[number], id?: string): Promise<void> {
    const n = this.#published.push({
      id,
      topic,
      heardBefore: this.#clients.map(({ heard }) => heard.length),
    });
    await this.#rigs[node]!.hub.publish(topic, n, { id });
  }

  /** Each node publishes on each topic. */
  async everybody(): Promise<void> {
    for (const topic of TOPICS) {
      for (let i = 0; i < NODES; i++) await this.publish(i, topic);
      await microtasks();
    }
  }

  cut(node: number): void {
    this.#bus.isolate(this.#rigs[node]!.hub.nodeId);
  }

  join(node: number): void {
    this.#bus.rejoin(this.#rigs[node]!.hub.nodeId);
  }

  turn(way: "down" | "up"): void {
    if (this.#bus.status !== way) this.#bus[way]();
  }

  async end(): Promise<void> {
    this.turn("up");
    this.#bus.rejoin();
    await microtasks();
    await this.everybody(); // shows what was lost
    for (const [i, { heard }] of this.#clients.entries()) {
      for (const topic of TOPICS) this.#check(i, topic, heard.map((message, at) => ({ message, at })));
    }
    for (const { hub } of this.#rigs) await hub.close();
  }

  #check(client: number, topic: string, all: { message: readonly unknown[]; at: number }[]): void {
    const of = (kind: string) => all.filter(({ message }) => message[0] === kind && message[1] === topic);
    const numbers = of("rec").map(({ message }) => message[3] as number);
    const ids = numbers.flatMap((n) => this.#published[n - 1]!.id ?? []);
    assertEquals(new Set(numbers).size, numbers.length, `${numbers}: twice`);
    assertEquals(new Set(ids).size, ids.length, `${ids}: an id twice`);
    const lastGap = of("gap").at(-1)?.at ?? -1;
    const mayMiss = ({ heardBefore }: { heardBefore: number[] }) => heardBefore[client]! <= lastGap;
    for (const [i, published] of this.#published.entries()) {
      if (published.topic !== topic || mayMiss(published) || numbers.includes(i + 1)) continue;
      const { id } = published;
      const same = this.#published.filter((other) => other.topic === topic && other.id === id);
      const isKnown = id !== undefined && (ids.includes(id) || same.some(mayMiss));
      assert(isKnown, `client ${client} lacks ${i + 1}, and was not told: ${JSON.stringify(of("rec"))}`);
    }
  }
}

const check = (faults: typeof split | typeof away) =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(publishing, settling, faults), { maxLength: 60, size: "max" }),
      async (steps) => {
        const run = new Run();
        await run.start();
        for (const step of steps) {
          if (step.do === "publish") await run.publish(step.node, step.topic, step.id);
          else if (step.do === "cut" || step.do === "join") run[step.do](step.node);
          else if (step.do === "down" || step.do === "up") run.turn(step.do);
          else await microtasks();
        }
        await run.end();
      },
    ),
    runs(runtime === "deno" ? 200 : 50),
  );

test("ids per node: no client gets an id twice, or misses a message without being told, whatever a split network loses", () =>
  check(split));

test("ids per node: no client gets an id twice, or misses a message without being told, while the backplane comes and goes", () =>
  check(away));

import { assertEquals } from "@std/assert";
import { Mail } from "../../../adapters/redis_cluster/mail.ts";
import { ClusterMap } from "../../../adapters/redis_cluster/map.ts";
import { readNodes } from "../../../adapters/redis_cluster/nodes.ts";
import { Names, partitionOf, placePartitions, slotOf } from "../../../adapters/redis_cluster/partitions.ts";
import { decodeEnvelope } from "../../../adapters/kit/envelope.ts";
import { FakeClock } from "../../fake_clock.ts";
import { test, waitFor } from "../../harness.ts";
import { Random } from "../../load/random.ts";
import { SlotWorld } from "./slot_world.ts";

const PARTITIONS = 4;
const CHANNELS = Array.from({ length: 12 }, (_, i) => `c${i}`);
const places = placePartitions(PARTITIONS);
const names = new Names("p");
const partOf = (channel: string): number => partitionOf(channel, PARTITIONS);
const nameOf = (channel: string): string => names.of(places[partOf(channel)]!.tag, channel);

/** An adapter that hears its own messages, as if another node had sent them, and a book of what is missing. */
class Reader {
  readonly clock = new FakeClock();
  readonly map: ClusterMap;
  readonly problems: string[] = [];
  status = "down";
  /** The messages of each channel that must come, or be told as lost. */
  readonly missing = new Map(CHANNELS.map((channel) => [channel, new Set<number>()]));
  /** The latest message of each channel. */
  readonly latest = new Map<string, number>();
  /** The channels that are subscribed, and those that are live. */
  readonly wanted = new Set<string>();
  readonly live = new Set<string>();
  count = 0;
  readonly #sender = new Mail("a", PARTITIONS);
  readonly #receiver = new Mail("b", PARTITIONS);

  constructor(addresses: readonly string[]) {
    const times = { connectTimeoutMs: 1_000, probeIntervalMs: 500, probeTimeoutMs: 1_000 };
    this.map = new ClusterMap({
      ...times,
      nodes: readNodes({ nodes: addresses }),
      mode: "sharded",
      places,
      probeOf: ({ tag }) => names.ofProbe(tag, "b"),
      clientName: "test",
      clock: this.clock,
      onMessage: (channel, data, partition) => this.#take(channel, data, partition),
      onStatus: (status) => {
        this.status = status;
        if (status === "up") this.#excuse(CHANNELS);
      },
      onGap: (channels) => this.#excuse(channels),
      onFailure: () => "unreachable",
      onBroken: (_, cause) => {
        if (/do not match/.test(String(cause))) this.problems.push(String(cause));
      },
      onSettled: () => {},
      onLost: ({ of, data }) => {
        const bytes = new TextEncoder().encode(data as string);
        this.missing.get(of)!.delete(Number(decodeEnvelope(bytes)!.data));
      },
      onRefused: (error) => this.problems.push(String(error)),
    });
    this.map.start();
  }

  subscribe(channel: string): void {
    this.wanted.add(channel);
    const live = () => void (this.wanted.has(channel) && this.live.add(channel));
    this.#interests(channel).subscribe(channel, nameOf(channel)).then(live, () => {});
  }

  async unsubscribe(channel: string): Promise<void> {
    this.wanted.delete(channel);
    this.live.delete(channel);
    this.#excuse([channel]);
    await this.#interests(channel).unsubscribe(nameOf(channel));
  }

  publish(channel: string): void {
    const n = ++this.count;
    if (this.live.has(channel)) this.missing.get(channel)!.add(n);
    const { outbox } = this.map.partitions[partOf(channel)]!;
    const data = this.#sender.pack(partOf(channel), String(n));
    outbox.publish({ outbox, of: channel, name: nameOf(channel), data, since: this.clock.now() });
  }

  /** Waits until something holds, while time passes. */
  async until(what: string, condition: () => boolean): Promise<void> {
    await waitFor(() => (this.clock.advance(5), condition()), { what });
  }

  #take(channel: string, raw: Uint8Array<ArrayBuffer>, partition: number): void {
    const message = this.#receiver.unpack(partition, raw, this.clock.now());
    if (typeof message === "string") return;
    const n = Number(message.data);
    const latest = this.latest.get(channel) ?? 0;
    if (n <= latest) this.problems.push(`${channel}: ${n} after ${latest}`);
    this.latest.set(channel, n);
    this.missing.get(channel)!.delete(n);
  }

  #excuse(channels: readonly string[]): void {
    for (const channel of channels) this.missing.get(channel)!.clear();
  }

  #interests(channel: string) {
    return this.map.partitions[partOf(channel)]!.interests;
  }
}

for (let seed = 1; seed <= 8; seed++) {
  test(`redis-cluster: while slots move and connections end, every message comes once and in order, or its loss is told, seed ${seed}`, async () => {
    const random = new Random(seed);
    const slotIn = (name: string) => slotOf(/\{(.*?)\}/.exec(name)![1]!);
    await using stack = new AsyncDisposableStack();
    const world = stack.use(await SlotWorld.start(random, 3, places.map(({ slot }) => slot), slotIn));
    const reader = new Reader(world.addresses);
    stack.defer(() => reader.map.close());
    for (const channel of CHANNELS) reader.subscribe(channel);
    await reader.until("all channels", () => reader.live.size === CHANNELS.length);
    const left: Promise<void>[] = [];
    for (let step = 0; step < 400; step++) {
      for (let i = 0; i < 3; i++) reader.publish(random.pick(CHANNELS));
      const channel = random.pick(CHANNELS);
      if (random.oneIn(5)) {
        if (reader.wanted.has(channel)) left.push(reader.unsubscribe(channel));
        else reader.subscribe(channel);
      }
      reader.clock.advance(random.below(30));
      if (random.oneIn(2)) await new Promise((resolve) => setTimeout(resolve, 0));
    }
    world.settle();
    for (const channel of CHANNELS) if (!reader.wanted.has(channel)) reader.subscribe(channel);
    await reader.until("all channels again", () => reader.live.size === CHANNELS.length);
    await Promise.all(left);
    // Until one of them comes on each channel.
    await reader.until("a message on each channel", () => {
      const late = CHANNELS.filter((channel) => (reader.latest.get(channel) ?? 0) < 1_201);
      for (const channel of late) reader.publish(channel);
      return late.length === 0;
    });
    await reader.until("what is missing", () => [...reader.missing.values()].every(({ size }) => size === 0));
    assertEquals(reader.problems, []);
  });
}

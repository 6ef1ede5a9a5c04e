/** Clients of the torture, in a process of their own, each with a way to the nodes that is cut now and then. */
import { type Client, createClient, jsonCodec, type TopicMeta } from "@trunkline/hub";
import { msgpackCodec } from "@trunkline/hub/codecs/msgpack";
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { Balancer, Line } from "../../bench/load/recovery/network.ts";
import { contract, isRoom, type Message, PUBLISHERS, type RoomName, type TopicName } from "./contract.ts";
import { Diary } from "./diary.ts";
import { HeardBook } from "./heard_book.ts";
import { say, takeCommands } from "./part.ts";
import { kindOf, Tally } from "./tally.ts";
import type { Drop, LoadCommand, LoadCounts, LoadPlace, LoadWord } from "./words.ts";

const place: LoadPlace = JSON.parse(process.argv[2]!);
const counts: LoadCounts = {
  deliveries: 0,
  replays: 0,
  claimsTrue: 0,
  claimsFalse: 0,
  drops: 0,
  duplicates: 0,
  orderBreaks: 0,
  holes: 0,
};
const errors = new Tally();
const book = new HeardBook();
const balancer = new Balancer(place.ports);
const diaries = new Map<string, Diary>();
const diaryOf = (client: number, topic: TopicName): Diary => diaries.get(`${client} ${topic}`)!;

const violate = (violation: string) => say<LoadWord>({ violation });
const parts = { counts, onViolation: violate, onJump: (jump: object) => say({ jump }) };

/** Writes down a message that a client has heard. */
function hear(
  client: number,
  topic: TopicName,
  message: Message,
  meta: Omit<TopicMeta<true>, "topic">,
): void {
  const { number, publisher } = message;
  const { epoch, offset } = meta;
  diaryOf(client, topic).hear(meta, Date.now());
  if (message.topic !== topic || publisher !== number % PUBLISHERS) {
    violate(`client ${client} on ${topic} heard ${JSON.stringify(message)} at ${epoch} ${offset}`);
  }
  const other = book.note(topic, epoch, offset, number);
  if (other === undefined) return;
  violate(`${topic} has ${other} and ${number} at ${epoch} ${offset}, as client ${client} hears`);
}

/** Lets a client join its rooms on every connection, as applications do; resolves when it is in them for the first time. */
function joinRooms(
  connected: Client<typeof contract.definition, "member">,
  rooms: readonly RoomName[],
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  connected.onOpen(async () => {
    for (const { connectionId } = connected; connected.connectionId === connectionId;) {
      try {
        await connected.request("join", { rooms: [...rooms] });
        return resolve();
      } catch (error) {
        errors.add(`join ${kindOf(error)}`);
        await delay(AGAIN_MS); // not one of the timers of losses, which `heal` ends
      }
    }
  });
  return promise;
}

async function join(client: number, topics: readonly TopicName[]) {
  const line = await Line.lay(balancer, () => {});
  const connected = createClient(contract, {
    url: `ws://127.0.0.1:${line.port}/realtime`,
    role: "member",
    codec: client % 2 ? jsonCodec : msgpackCodec,
    connectTimeoutMs: 3_000,
    reconnect: { maxMs: 2_000 },
    onError: (error, { stage }) => errors.add(`${stage} ${kindOf(error)}`),
  });
  for (const topic of topics) diaries.set(`${client} ${topic}`, new Diary(client, topic, parts));
  const rooms = topics.filter(isRoom);
  connected.on("said", (message, meta) => hear(client, meta!.room as RoomName, message, meta!));
  connected.onRecovery(({ room, recovered }) =>
    diaryOf(client, room as RoomName).told(recovered, Date.now())
  );
  const subscriptions = topics.flatMap((topic) => {
    if (isRoom(topic)) return [];
    const subscription = connected.subscribe(topic, (message, meta) => hear(client, topic, message, meta), {
      onRecovery: ({ recovered }) => diaryOf(client, topic).told(recovered, Date.now()),
    });
    subscription.closed.then((cause) => {
      if (cause) violate(`the subscription of client ${client} to ${topic} has ended: ${kindOf(cause)}`);
    });
    return [subscription];
  });
  await Promise.all([
    ...subscriptions.map(({ ready }) => ready),
    ...rooms.length > 0 ? [joinRooms(connected, rooms)] : [],
  ]);
  for (const topic of topics) diaryOf(client, topic).live(Date.now());
  return { client: connected, line, subscriptions };
}

const joined: Awaited<ReturnType<typeof join>>[] = [];
const timers = new Set<ReturnType<typeof setTimeout>>();

function later(ms: number, act: () => void): void {
  const timer = setTimeout(() => {
    timers.delete(timer);
    act();
  }, ms);
  timers.add(timer);
}

function drop({ at, client, forMs }: Drop): void {
  later(at, () => {
    counts.drops++;
    const { line } = joined[client - place.first]!;
    line.cut();
    later(forMs, () => line.heal());
  });
}

function heal(): void {
  for (const timer of timers) clearTimeout(timer);
  timers.clear();
  for (const { line } of joined) line.heal();
}

/** How long until a client asks again to join its rooms. */
const AGAIN_MS = 200;
/** How long one wait for missing clients takes, in milliseconds. */
const LOOK_MS = 100;
/** How many of the missing clients are named. */
const NAMED = 5;

let lasts: Extract<LoadCommand, { awaitLast: unknown }>["awaitLast"] | undefined;

function lookForLast(): void {
  if (!lasts) return;
  const missing: string[] = [];
  for (const [topic, epoch, offset] of lasts) {
    for (const [i, topics] of place.topics.entries()) {
      if (!topics.includes(topic)) continue;
      const client = place.first + i;
      const { last } = diaryOf(client, topic);
      if (last?.[0] === epoch && last[1] >= offset) continue;
      const { status } = joined[i]!.client;
      missing.push(
        `client ${client} (${status}) on ${topic} is at ${
          last?.join(" ") ?? "nothing"
        }, not at ${epoch} ${offset}`,
      );
    }
  }
  if (missing.length === 0) {
    lasts = undefined;
    return say<LoadWord>({ back: true });
  }
  say<LoadWord>({ missing: missing.slice(0, NAMED) });
  later(LOOK_MS, lookForLast);
}

async function finish(): Promise<void> {
  heal();
  for (const diary of diaries.values()) diary.end();
  for (const heard of book.all()) say<LoadWord>({ heard });
  for (const { subscriptions } of joined) for (const one of subscriptions) one.unsubscribe();
  await Promise.all(joined.map(({ client }) => client.close()));
  for (const { line } of joined) line.close();
  say<LoadWord>({ counts, errors: errors.all });
}

const commands = takeCommands<LoadCommand>((command) => {
  if ("drops" in command) command.drops.forEach(drop);
  else if ("heal" in command) heal();
  else if ("awaitLast" in command) {
    const isNew = !lasts;
    lasts = command.awaitLast;
    if (isNew) lookForLast();
  } else {
    commands.close();
    void finish();
  }
});

const AT_ONCE = 10;
for (let first = 0; first < place.clients; first += AT_ONCE) {
  const some = place.topics.slice(first, first + AT_ONCE);
  joined.push(...await Promise.all(some.map((topics, i) => join(place.first + first + i, topics))));
}
say<LoadWord>({ ready: true });

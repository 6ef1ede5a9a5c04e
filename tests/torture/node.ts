/** A node of the torture, in a process of its own: it serves clients, and publishes what it is told to. */
import { createHub, type HubErrorInfo, jsonCodec } from "@trunkline/hub";
import { msgpackCodec } from "@trunkline/hub/codecs/msgpack";
import { Hono } from "hono";
import process from "node:process";
import { serve } from "../serve.ts";
import { contract, isRoom, PUBLISHERS, type RoomName, type TopicName } from "./contract.ts";
import { say, takeCommands } from "./part.ts";
import { connect } from "./stores.ts";
import { watchUpgrades } from "./stuck_upgrades.ts";
import { kindOf, Tally } from "./tally.ts";
import type { Answer, NodeCommand, NodePlace, NodeWord, Order } from "./words.ts";

const place: NodePlace = JSON.parse(process.argv[2]!);
const errors = new Tally();
const stuckUpgrades = watchUpgrades();

const hub = createHub(contract, {
  authenticate: ({ role }) => ({ role }),
  codecs: [jsonCodec, msgpackCodec],
  adapter: await connect(place),
  heartbeatMs: 2_000,
  backplaneTimeoutMs: 4_000,
  cluster: { heartbeatMs: 500, nodeTimeoutMs: 3_000 },
  onError: (error: unknown, { stage }: HubErrorInfo) => errors.add(`${stage} ${kindOf(error)}`),
});
hub.implement({
  member: {
    async join({ rooms }, { conn }) {
      await Promise.all(rooms.map((room) => hub.room(room as RoomName).add(conn)));
    },
  },
});

let publishing = 0;
let answers: Answer[] = [];
const AT_ONCE_MS = 10;

function answer(one: Answer): void {
  if (answers.push(one) > 1) return;
  setTimeout(() => {
    say<NodeWord>({ answers });
    answers = [];
  }, AT_ONCE_MS);
}

async function publish([number, topic]: Order): Promise<void> {
  publishing++;
  const payload = { topic, publisher: number % PUBLISHERS, number };
  try {
    const id = String(number);
    const { epoch, offset } = await (isRoom(topic)
      ? hub.room(topic).broadcast("said", payload, { id })
      : hub.publish(topic, payload, { id }));
    answer([number, epoch, offset]);
  } catch (error) {
    const { code = "none", message } = error as Error & { code?: string };
    answer([number, code, message]);
  } finally {
    publishing--;
  }
}

/** Sends the content of a history. */
async function audit(topic: TopicName): Promise<void> {
  const { epoch, last, records } = await (isRoom(topic) ? hub.room(topic).history() : hub.history(topic));
  say<NodeWord>({
    audit: {
      topic,
      epoch,
      last,
      from: records[0]?.offset ?? 0,
      numbers: records.map(({ payload }) => payload.number),
    },
  });
}

async function auditAll(topics: readonly TopicName[]): Promise<void> {
  for (const topic of topics) await audit(topic);
}

const commands = takeCommands<NodeCommand>((command) => {
  if ("publish" in command) { for (const order of command.publish) void publish(order); }
  else if ("audit" in command) void auditAll(command.audit);
  else say<NodeWord>({ stats: hub.stats(), publishing });
});

await hub.ready;
const app = new Hono();
app.route("/realtime", hub.routes);
const served = serve({ fetch: app.fetch, websocket: hub.websocket, port: place.port });
say<NodeWord>({ port: served.port });

// From then on nothing may keep this process alive.
process.once("SIGTERM", async () => {
  await hub.close();
  await served.close();
  commands.close();
  const stuck = stuckUpgrades();
  say<NodeWord>({ errors: errors.all, stuckUpgrades: stuck });
  if (stuck > 0) process.exit();
});

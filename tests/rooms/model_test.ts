import { assert, assertEquals } from "@std/assert";
import { createMemoryHistory } from "@trunkline/hub";
import { test, waitFor } from "../harness.ts";
import { turn } from "../hub/wires.ts";
import { laterStore } from "../history/later_store.ts";
import { Random } from "../load/random.ts";
import { type Guest, startNodes } from "./scene.ts";

const SEEDS = 25;
const STEPS = 60;
const ROOM = "chat/1";

/** The events of a client, in order: an offset that it got, a notice of missing messages, or its removal. */
type Happening = number | "missing" | "out";

/** Clients come, go, are added, taken out and left out, while two nodes broadcast. */
async function run(seed: number): Promise<void> {
  const random = new Random(seed);
  const history = laterStore(createMemoryHistory());
  await using scene = await startNodes(2, () => ({ history }));
  const { nodes } = scene;
  const said = new Map<number, number>();
  const leftOut = new Map<number, string>();
  const guests: { guest: Guest<"member">; log: Happening[]; ids: Set<string> }[] = [];
  const pending: Promise<unknown>[] = [];
  for (let i = 0; i < 3; i++) {
    const guest = await scene.guest("member");
    const log: Happening[] = [];
    const ids = new Set<string>();
    guest.client.on("line", (_, meta) => void log.push(meta!.offset));
    guest.client.onRecovery(({ recovered }) => void (recovered || log.push("missing")));
    guest.client.onOpen(() => void ids.add(guest.client.connectionId!));
    guests.push({ guest, log, ids });
  }
  const nodeOf = ({ client }: Guest) => nodes.slice(0, 2).find(({ hub }) => hub.nodeId === client.nodeId);
  const broadcast = (n: number, except?: string) => {
    const { hub } = nodes[random.below(2) as 0 | 1];
    const options = except === undefined ? undefined : { except: { id: except } };
    return hub.room(ROOM).broadcast("line", { n }, options).then(({ offset }) => {
      said.set(offset, n);
      if (except !== undefined) leftOut.set(offset, except);
    });
  };
  const add = (guest: Guest) => {
    const id = guest.client.connectionId;
    return id && nodeOf(guest)?.hub.room(ROOM).add({ id }).catch(() => {});
  };
  for (let n = 1; n <= STEPS; n++) {
    const one = guests[random.below(guests.length)]!;
    const { guest, log } = one;
    const id = guest.client.connectionId;
    const dice = random.below(12);
    if (dice < 5) pending.push(broadcast(n));
    else if (dice < 6) pending.push(broadcast(n, id));
    else if (dice < 9) pending.push(Promise.resolve(add(guest)));
    else if (dice < 10 && id) {
      nodeOf(guest)?.hub.room(ROOM).remove({ id });
      await turn(); // what was on its way is there by now
      log.push("out");
    } else if (dice < 11 && guest.client.status === "open") await guest.drop();
    else await guest.back(nodes[random.below(2) as 0 | 1]);
    if (random.below(3) === 0) await turn();
  }
  await Promise.all(pending);
  for (const { guest } of guests) {
    await guest.back();
    await add(guest);
  }
  await broadcast(STEPS + 1);
  for (const { guest } of guests) {
    await waitFor(() => guest.heard.at(-1) === STEPS + 1, { what: `the last line, seed ${seed}` });
  }
  for (const [i, { guest, log, ids }] of guests.entries()) {
    const what = `seed ${seed}, client ${i}: ${log.join(" ")}`;
    const offsets = guest.metas.map((meta) => meta!.offset);
    assertEquals(guest.heard, offsets.map((offset) => said.get(offset)), what);
    let last: number | undefined;
    for (const happening of log) {
      if (typeof happening !== "number") {
        last = undefined; // from here on anything may be missing, but nothing comes twice
        continue;
      }
      for (let offset = (last ?? happening - 1) + 1; offset < happening; offset++) {
        assert(ids.has(leftOut.get(offset) ?? ""), `${offset} is missing, ${what}`);
      }
      last = happening;
    }
    assert(offsets.every((offset, k) => k === 0 || offset > offsets[k - 1]!), `in order and once, ${what}`);
    assert(offsets.every((offset) => !ids.has(leftOut.get(offset) ?? "")), `left out again, ${what}`);
  }
  for (const { errors } of nodes.slice(0, 2)) assertEquals(errors, [], `seed ${seed}`);
}

test(
  "rooms: whatever clients come and go, each gets everything in order and once, or is told (model)",
  async () => {
    for (let seed = 1; seed <= SEEDS; seed++) await run(seed);
  },
  { timeoutMs: 120_000 },
);

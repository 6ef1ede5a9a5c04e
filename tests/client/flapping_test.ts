import { assert, assertEquals } from "@std/assert";
import { test } from "../harness.ts";
import { opened, retried, type Rig } from "./setup.ts";

/** The status's last wait, in whole milliseconds. */
const waitOf = ({ statuses }: Rig): number => Math.ceil(statuses.at(-1)![1].retryInMs!);

/** Lets so many attempts reach no server, and the next one succeed. */
async function backAfter(rig: Rig, failures: number): Promise<void> {
  for (let i = 0; i < failures; i++) {
    await retried(rig);
    rig.server.link.close(1006, "Refused");
  }
  await retried(rig);
  rig.server.link.welcome();
}

test("attempts that reach no server do not lengthen the wait after the next lost connection", async () => {
  const rig = await opened({ random: () => 0.999 });
  rig.clock.advance(6_000);
  rig.server.link.close();
  await backAfter(rig, 5);
  rig.clock.advance(4_000);
  rig.server.link.close();
  assertEquals(waitOf(rig), 999);
  await rig.client.close();
});

test("attempts that reach no server do not shorten the waits for a server that ends every connection", async () => {
  const rig = await opened({ random: () => 0.999 });
  const waits: number[] = [];
  for (let i = 0; i < 5; i++) {
    rig.server.link.close();
    waits.push(waitOf(rig));
    await backAfter(rig, 2);
  }
  assertEquals(waits, [500, 999, 1_998, 3_996, 7_992]);
  await rig.client.close();
});

/** Numbers from 0 up to 1, the same in every run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}

/** How long the network is away at each cut, how long it is there at least between two cuts, and when it is over. */
const [DOWN_MS, UP_MS, END_MS] = [2_000, 12_000, 60_000];
/** How long a node lives after it got the client. */
const NODE_MS = 3_000;

/**
 * One minute of a client whose network is cut again and again. The node that it has after the first cut dies, and
 * another one takes its clients at once. Returns how long after the return of the network the client was open again,
 * each time.
 */
async function minute(seed: number): Promise<number[]> {
  const random = seeded(seed);
  const rig = await opened({ random });
  const { clock, server } = rig;
  const cuts: number[] = [];
  for (let at = random() * UP_MS; at < END_MS; at += DOWN_MS + UP_MS * (1 + random() / 2)) cuts.push(at);
  const isCut = () => cuts.some((at) => clock.now() >= at && clock.now() < at + DOWN_MS);
  const late: number[] = [];
  let diesAt = Infinity;
  for (;;) {
    const lostAt = Math.min(...[...cuts, diesAt].filter((at) => at > clock.now()));
    if (lostAt === Infinity) break;
    clock.advance(lostAt - clock.now());
    server.link.close();
    while (await retried(rig), isCut()) server.link.close();
    late.push(clock.now() - (lostAt === diesAt ? lostAt : lostAt + DOWN_MS));
    server.link.welcome();
    if (late.length === 1) diesAt = clock.now() + NODE_MS;
  }
  await rig.client.close();
  return late;
}

test("a client whose network is cut again and again, and whose node dies in between, is back within 3 s of the network each time", async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const late = await minute(seed);
    assert(Math.max(...late) < 3_000, `seed ${seed}: ${late.map(Math.round)}`);
  }
});

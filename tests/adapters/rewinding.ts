/**
 * Subscriptions that begin in the past, over a real broker: what every store of histories has to make possible.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { type HubOptions, systemClock } from "@trunkline/hub";
import type { Rewind } from "@trunkline/hub/client";
import { waitFor } from "../harness.ts";
import { type ChatDefinition, createNode, type Member } from "../hub/chat.ts";

/** The store of a node's histories. */
export type HistoryNodeOptions = Pick<
  Partial<HubOptions<ChatDefinition, { id: string } | undefined, undefined>>,
  "adapter" | "history"
>;

/**
 * Publishes on one hub, and begins in the past on another: by number, by time, and live from there on.
 *
 * @param options Makes the options of one node.
 */
export async function rewindsOnTwoHubs(options: () => HistoryNodeOptions): Promise<void> {
  await using a = await createNode(undefined, { clock: systemClock, ...options() });
  await using b = await createNode(undefined, { clock: systemClock, ...options() });
  const client = await b.member();
  let published = 0;
  const publish = async () => void await a.hub.publish("log/x", { n: ++published });
  for (let i = 0; i < 3; i++) await publish();
  const keptAt = performance.now();
  assertEquals(await heardAtFirst(client, { last: 2 }), [2, 3]);
  assertEquals(await heardAtFirst(client, { last: 100 }), [1, 2, 3]);
  assertEquals(await heardAtFirst(client, { sinceMs: 600_000 }), [1, 2, 3]);
  // The newest is older than a millisecond soon.
  await waitFor(async () => (await heardAtFirst(client, { sinceMs: 1 })).length === 0, { what: "time" });
  // Whatever the machine is busy with: what was kept by `keptAt` is older than the time since then.
  await waitFor(async () => {
    if (published === 8) return true; // more would make room for what is to be left out
    await publish();
    const heard = await heardAtFirst(client, { sinceMs: Math.floor(performance.now() - keptAt) - 1 });
    assert(heard.every((n) => n > 3), `${heard} are too old`);
    return heard.at(-1) === published;
  }, { what: "what is young enough" });
  const heard: number[] = [];
  const sub = client.subscribe("log/x", ({ n }) => void heard.push(n), { rewind: { last: 1 } });
  await sub.ready;
  await publish();
  await waitFor(() => heard.length === 2, { what: "what is live" });
  assertEquals(heard, [published - 1, published]);
  assertEquals([a.errors, b.errors], [[], []]);
}

async function heardAtFirst(client: Member, rewind: Rewind): Promise<number[]> {
  const heard: number[] = [];
  const recovered: boolean[] = [];
  const sub = client.subscribe("log/x", ({ n }) => void heard.push(n), {
    rewind,
    onRecovery: (recovery) => void recovered.push(recovery.recovered),
  });
  await sub.ready;
  sub.unsubscribe();
  assertEquals(recovered, [true]);
  return heard;
}

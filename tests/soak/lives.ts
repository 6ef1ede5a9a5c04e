/**
 * What clients do with their lives: a session each, of random steps, with a random end.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { CLOSE_CODES, HubError } from "@trunkline/hub";
import { opcode, RawClient } from "../transports/raw_client.ts";
import { type ChurnClient, type ChurnNode, createChurnClient, type Figures } from "./cluster.ts";

/** Where chance comes from: mulberry32, which is small and good enough to pick steps. */
export function createRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

/** The options of a life. */
export interface World {
  readonly nodes: readonly ChurnNode[];
  readonly figures: Figures;
  readonly random: (below: number) => number;
  /** Takes errors that should not be. */
  report(error: unknown): void;
}

/** Errors that come of a client's or a server's end in the middle of things. */
const EXPECTED: ReadonlySet<string> = new Set(["DISCONNECTED", "TIMEOUT", "UNAVAILABLE", "NOT_FOUND"]);

/** Ignores failures because a client has left; all others are reported. */
function settle({ report }: World, promise: Promise<unknown> | void): Promise<unknown> {
  return Promise.resolve(promise).catch((error) => {
    if (!(error instanceof HubError && EXPECTED.has(error.code)) && error !== STOP) report(error);
  });
}

const STOP = new Error("The churn gives up");
let lastLife = 0;

/** Fails when a publisher's messages come twice or out of order. */
class OrderCheck {
  readonly #last = new Map<string, number>();

  see(where: string, from: string, n: number): void {
    const key = `${where} ${from}`;
    const last = this.#last.get(key) ?? 0;
    assert(n > last, `${key}: ${n} after ${last}`);
    this.#last.set(key, n);
  }
}

/** The life of a client of the library. */
export async function liveByTheBook(world: World): Promise<void> {
  const { nodes, figures, random, report } = world;
  const first = random(nodes.length);
  const urls = [...nodes.slice(first), ...nodes.slice(0, first)];
  const client = createChurnClient(urls, `user ${lastLife++ % 20}`, (error) => {
    if (!(error instanceof HubError && EXPECTED.has(error.code))) report(error);
  });
  client.onStatus((status) => {
    if (status === "reconnecting") figures.reconnects++;
  });
  const order = new OrderCheck();
  client.on("said", ({ room, from, n }) => {
    figures.delivered++;
    order.see(room, from, n);
  });
  try {
    if (random(20) > 0) await settle(world, client.ready); // some leave before they have come
    figures.connections++;
    const pending: Promise<unknown>[] = [];
    for (let steps = random(30); steps > 0; steps--) {
      const step = settle(world, takeStep(world, client, order));
      pending.push(step);
      if (random(3) > 0) await step;
    }
    if (random(4) > 0) await Promise.all(pending);
    await client.close();
    await Promise.all(pending);
  } finally {
    await client.close();
  }
}

async function takeStep(world: World, client: ChurnClient, order: OrderCheck): Promise<void> {
  const { nodes, figures, random } = world;
  const { hub, next } = nodes[random(nodes.length)]!;
  const id = String(random(2));
  const room = `room/${random(3)}`;
  switch (random(15)) {
    case 0:
    case 1: {
      const sub = client.subscribe(`news/${id}`, ({ from, n }) => {
        figures.delivered++;
        order.see(`news/${id} ${subscription}`, from, n);
      });
      const subscription = lastLife++;
      await sub.ready;
      if (random(2)) sub.unsubscribe();
      return;
    }
    case 2: {
      const sub = client.subscribe(`log/${id}`, () => figures.delivered++);
      if (random(2)) await sub.ready;
      if (random(2)) sub.unsubscribe();
      return;
    }
    case 3: {
      const stop = new AbortController();
      const sub = client.subscribe(`latest/${id}`, () => figures.delivered++, { signal: stop.signal });
      if (random(2)) await sub.ready;
      stop.abort(STOP);
      return;
    }
    case 4:
    case 5:
      figures.requests++;
      return await client.request("join", { room });
    case 6:
      figures.requests++;
      return await client.request("leave", { room });
    case 7:
      figures.requests++;
      return void await client.request("say", { room, text: "x".repeat(random(200)) });
    case 8: {
      figures.requests++;
      const stop = new AbortController();
      const asked = client.request("never", {}, { signal: stop.signal });
      queueMicrotask(() => stop.abort(STOP));
      return await asked;
    }
    case 9:
      client.signal("shout", { room });
      return;
    case 10: {
      const { connectionId } = client;
      if (!connectionId) return;
      figures.requests++;
      assertEquals(await hub.connection(connectionId).request("add", [1, 2, 3]), 6);
      return;
    }
    case 11:
    case 12:
      figures.published++;
      return hub.publish(`news/${id}`, { from: hub.nodeId, n: next() });
    case 13:
      figures.published += 2;
      hub.publish(`latest/${id}`, { from: hub.nodeId, n: next() });
      return void await hub.publish(`log/${id}`, { from: hub.nodeId, n: next() });
    default: {
      const { connectionId } = client;
      if (!connectionId) return;
      figures.severed++;
      if (random(3) === 0) return void await hub.cluster.disconnect({ id: connectionId });
      for (const { connections } of nodes) {
        connections.get(connectionId)?.close({ code: CLOSE_CODES.GOING_AWAY, reason: "Come back" });
      }
    }
  }
}

/** The life of a client without manners: it says what it wants to, and vanishes. */
export async function liveRudely({ nodes, figures, random }: World): Promise<void> {
  const { port } = nodes[random(nodes.length)]!;
  const request = { headers: { "Sec-WebSocket-Protocol": "trunkline.v1.json" } };
  // Deno never ends an upgrade whose client is reset before the answer, so no client here vanishes as early as that.
  const raw = await RawClient.open(port, request);
  const say = (...messages: unknown[]) => raw.send(opcode.text, JSON.stringify(messages));
  try {
    figures.connections++;
    if (random(10) === 0) return;
    say(["hello", { role: "member", token: `user ${random(20)}` }]);
    for (let looks = random(50); looks > 0 && raw.receivedBytes < 50; looks--) {
      await new Promise((resolve) => setTimeout(resolve));
    }
    for (let id = 1, steps = random(10); id <= steps; id++) {
      const room = `room/${random(3)}`;
      const anything = [
        ["sub", id, `news/${random(2)}`],
        ["sub", id, `log/${random(2)}`, { since: ["e", 1] }],
        ["unsub", `news/${random(2)}`],
        ["req", id, "join", { room }],
        ["req", id, "say", { room, text: "x" }],
        ["req", id, "never", {}],
        ["sig", "shout", { room }],
        ["cancel", random(id) + 1],
        ["res", id, null],
      ];
      say(anything[random(anything.length)], anything[random(anything.length)]);
      if (random(3) === 0) await new Promise((resolve) => setTimeout(resolve));
    }
    if (random(10) === 0) raw.send(opcode.text, "{oops");
  } finally {
    figures.severed++;
    const goodbyes = [() => raw.reset(), () => raw.finish(), () => {}];
    goodbyes[random(goodbyes.length)]!();
    await raw.destroy();
  }
}

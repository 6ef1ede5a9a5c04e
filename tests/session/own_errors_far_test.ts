/**
 * Errors in code of the application that come from far away: from a client that is asked, on this node or on another, and from
 * signals of the application.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import {
  createEmitter,
  createMemoryAdapter,
  createMemoryBus,
  defineContract,
  HubError,
} from "@trunkline/hub";
import { z } from "zod";
import { test, waitFor } from "../harness.ts";
import { createRig, type Rig } from "../hub/rig.ts";
import { type RawClient, rawClient } from "../hub/wires.ts";

const contract = defineContract({
  roles: {
    member: {
      clientToServer: { act: { input: z.string(), output: z.void() } },
      serverToClient: {
        confirm: { input: z.string(), output: z.boolean() },
        note: { payload: z.string() },
      },
    },
  },
  serverToServer: { load: { input: z.object({}), output: z.number() } },
});

/** A reason that the application gives, again and again. */
const TOO_SLOW = new HubError("TOO_SLOW", "Cannot wait any longer");

/** Two nodes; a client of the first that has its handler do something, and a client of each that is asked. */
async function scene() {
  const bus = createMemoryBus();
  const limits = { maxPendingRequests: 2 };
  const [a, b] = [1, 2].map(() => createRig(contract, { adapter: createMemoryAdapter({ bus }), limits }));
  const { hub } = a!;
  await Promise.all([hub.ready, b!.hub.ready]);
  const others: Record<string, RawClient> = {
    near: await rawClient(a!.loopback.client()),
    far: await rawClient(b!.loopback.client()),
  };
  const idOf = (raw: RawClient) => (raw.heard[0]![1] as { connection: string }).connection;
  const ask = (where: string, timeoutMs?: number) =>
    hub.connection(idOf(others[where]!)).request("confirm", "?", { timeoutMs });
  const ACTS: Readonly<Record<string, () => unknown>> = {
    "ask near": () => ask("near"),
    "ask far": () => ask("far"),
    "ask far once": () => ask("far", 1),
    "be late": () => hub.requestServers("load", {}, { signal: AbortSignal.abort(TOO_SLOW) }),
    "be late in the cluster": () =>
      hub.cluster.join({ user: "ann" }, "room", { signal: AbortSignal.abort(TOO_SLOW) }),
    "be late in a room": () => hub.room("r").request("confirm", "?", { signal: AbortSignal.abort(TOO_SLOW) }),
    "say so": () => {
      throw TOO_SLOW;
    },
  };
  hub.implement({ member: { act: async (name) => void await ACTS[name]!() } });
  const ann = await rawClient(a!.loopback.client());
  let lastId = 0;
  /** Has the handler do something; resolves with the code and the text that the client is told. */
  const act = async (name: string, meanwhile = () => {}) => {
    const id = ++lastId;
    ann.say(["req", id, "act", name]);
    const mine = () => ann.heard.find(([kind, to]) => kind === "err" && to === id);
    await waitFor(() => (meanwhile(), mine()), { what: `the answer to "${name}"` });
    return mine()![2] as HubError;
  };
  const close = async () => {
    await Promise.all([hub.close(), b!.hub.close()]);
  };
  return { act, ask, others, errors: a!.errors, nodeId: b!.hub.nodeId, bus, close };
}

/** Answers the questions to a client that have no answer yet. */
function answering({ heard, say }: RawClient, answer: (id: unknown) => unknown[]): () => void {
  const answered = new Set<unknown>();
  return () => {
    for (const [kind, id] of heard) {
      if (kind !== "req" || answered.has(id)) continue;
      answered.add(id);
      say(answer(id));
    }
  };
}

for (const where of ["near", "far"]) {
  test(`own errors: another client's answer that does not fit is no mistake of the client (${where})`, async () => {
    const { act, others, errors, close } = await scene();
    const { code } = await act(`ask ${where}`, answering(others[where]!, (id) => ["res", id, "yes"]));
    assertEquals([code, errors.length], ["INTERNAL", 1]);
    assertEquals((errors[0]!.error as HubError).code, "VALIDATION");
    await close();
  });

  test(`own errors: another client's refusal goes to the client (${where})`, async () => {
    const { act, others, errors, close } = await scene();
    const refusal = { code: "VALIDATION", message: "I do not like the question" };
    const { code, message } = await act(
      `ask ${where}`,
      answering(others[where]!, (id) => ["err", id, refusal]),
    );
    assertEquals([{ code, message }, errors], [refusal, []]);
    await close();
  });

  test(`own errors: too many questions for another client are no mistake of the client (${where})`, async () => {
    const { act, ask, others, errors, close } = await scene();
    const waiting = [ask(where), ask(where)].map((asked) => asked.catch(() => {}));
    await waitFor(() => others[where]!.heard.filter(([kind]) => kind === "req").length === 2, {
      what: "the questions",
    });
    const { code } = await act(`ask ${where}`);
    assertEquals([code, errors.length], ["INTERNAL", 1]);
    assertEquals((errors[0]!.error as HubError).code, "RATE_LIMITED");
    await close();
    await Promise.all(waiting);
  });
}

test("own errors: a node that does not answer is not named to the client", async () => {
  const { act, errors, nodeId, bus, close } = await scene();
  bus.isolate(nodeId);
  const { code, message } = await act("ask far once");
  assertEquals([code, message], ["TIMEOUT", "The server could not do this in time"]);
  assert((errors[0]!.error as HubError).message.includes(nodeId));
  await close();
});

test("own errors: the reason of the application's own signal stays its own, and may be thrown again", async () => {
  const { act, errors, close } = await scene();
  for (const name of ["be late", "be late in the cluster", "be late in a room", "say so"]) {
    assertEquals([name, (await act(name)).code], [name, "TOO_SLOW"]);
  }
  assertEquals(errors, []);
  await close();
});

test("own errors: mistakes with an emitter are mistakes of the server", async () => {
  const bus = createMemoryBus();
  const { hub, loopback, errors } = createRig(contract, { adapter: createMemoryAdapter({ bus }) });
  const emitter = createEmitter(contract, { adapter: createMemoryAdapter({ bus }) });
  const gone = createEmitter(contract, { adapter: createMemoryAdapter({ bus }) });
  await Promise.all([hub.ready, emitter.ready, gone.ready]);
  await gone.close();
  const wrong = { n: 1 } as never;
  const none = "nothing" as never;
  const MISTAKES: Readonly<Record<string, () => unknown>> = {
    "for a role": () => emitter.forRole("member").emit("note", wrong),
    "for no role": () => emitter.forRole(none),
    "for a user": () => emitter.user("ann").emit("note" as never, wrong),
    "for a connection": () => emitter.connection("node.1").emit("note", wrong),
    "of no such name": () => emitter.forRole("member").emit(none, wrong),
    "to the servers": () => emitter.emitServer(none, wrong),
    "closed, for a role": () => gone.forRole("member").emit("note", "x"),
    "closed, for a room": () => gone.room("r").broadcast("note", "x"),
    "closed, for rooms": () => gone.rooms(["r"]).broadcast("note", "x"),
  };
  hub.implement({ member: { act: async (name) => void await MISTAKES[name]!() } });
  const ann = await rawClient(loopback.client());
  for (const [i, name] of Object.keys(MISTAKES).entries()) {
    ann.say(["req", i + 1, "act", name]);
    const mine = () => ann.heard.find(([kind, id]) => kind === "err" && id === i + 1);
    await waitFor(mine, { what: name });
    const { code, message } = mine()![2] as HubError;
    assert(
      code === "INTERNAL" || message === "The server cannot do this now: try again later",
      `${name}: ${code}`,
    );
  }
  assert(errors.length >= 5);
  await hub.close();
  await emitter.close();
});

test("own errors: a question to the cluster that is too large is a mistake of the server", async () => {
  const bus = createMemoryBus();
  const [{ hub, loopback, errors }, other] = [1, 2].map(() =>
    createRig(contract, { adapter: Object.assign(createMemoryAdapter({ bus }), { maxMessageBytes: 2_000 }) })
  ) as [Rig<(typeof contract)["definition"]>, Rig<(typeof contract)["definition"]>];
  await Promise.all([hub.ready, other.hub.ready]);
  const query = { user: "x".repeat(4_000) };
  const ASKS: Readonly<Record<string, () => unknown>> = {
    connections: () => hub.cluster.connections(query),
    count: () => hub.cluster.count(query),
    exists: () => hub.cluster.exists(query),
    members: () => hub.room("x".repeat(4_000)).members(),
    disconnect: () => hub.cluster.disconnect(query),
  };
  hub.implement({ member: { act: async (name) => void await ASKS[name]!() } });
  const ann = await rawClient(loopback.client());
  for (const [i, name] of Object.keys(ASKS).entries()) {
    ann.say(["req", i + 1, "act", name]);
    const mine = () => ann.heard.find(([kind, id]) => kind === "err" && id === i + 1);
    await waitFor(mine, { what: name });
    assertEquals([name, (mine()![2] as HubError).code, errors.splice(0).length], [name, "INTERNAL", 1]);
  }
  await Promise.all([hub.close(), other.hub.close()]);
});

for (const where of ["near", "far"]) {
  test(`own errors: a question to another client that cannot be sent is a mistake of the server (${where})`, async () => {
    const bus = createMemoryBus();
    const [near, far] = [1, 2].map(() =>
      createRig(contract, {
        adapter: Object.assign(createMemoryAdapter({ bus }), { maxMessageBytes: 2_000 }),
      })
    ) as [Rig<(typeof contract)["definition"]>, Rig<(typeof contract)["definition"]>];
    const { hub, errors } = near;
    await Promise.all([hub.ready, far.hub.ready]);
    const other = await rawClient((where === "near" ? near : far).loopback.client());
    const { connection } = other.heard[0]![1] as { connection: string };
    // Only the way to another node has a limit.
    const inputs = where === "near" ? ["\ud800"] : ["\ud800", "x".repeat(4_000)];
    hub.implement({
      member: {
        act: async (n) => void await hub.connection(connection).request("confirm", inputs[Number(n)]!),
      },
    });
    const ann = await rawClient(near.loopback.client());
    for (const i of inputs.keys()) {
      ann.say(["req", i + 1, "act", String(i)]);
      const mine = () => ann.heard.find(([kind, id]) => kind === "err" && id === i + 1);
      await waitFor(mine, { what: `the answer to question ${i}` });
      assertEquals([i, (mine()![2] as HubError).code, errors.splice(0).length], [i, "INTERNAL", 1]);
    }
    await Promise.all([hub.close(), far.hub.close()]);
  });
}

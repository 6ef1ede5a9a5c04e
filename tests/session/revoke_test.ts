import { assertEquals, assertThrows } from "@std/assert";
import { createMemoryHistory } from "@trunkline/hub/adapters/memory-history";
import { test, waitFor } from "../harness.ts";
import { HubError, pass, type Peer, stage, type Untyped } from "./scene.ts";

const definition = {
  shared: { topics: { "news/:id": { payload: pass }, "log/:id": { payload: pass, history: { size: 100 } } } },
  roles: { m: {}, other: { topics: { theirs: { payload: pass } } } },
};

/** A hub whose newest connection is at hand. */
async function start(options: Untyped = {}) {
  const conns: Untyped[] = [];
  const scene = await stage(definition, {
    onConnection: (conn: Untyped) => void conns.push(conn),
    ...options,
  });
  const peer = await scene.enter();
  return { ...scene, peer, conn: conns[0], [Symbol.asyncDispose]: () => scene[Symbol.asyncDispose]() };
}

const heard = ({ heard }: Peer, kind: string) => heard.filter(([k]) => k === kind);

for (const topic of ["news/1", "log/1"]) {
  test(`a withdrawn subscription to ${topic} ends at once, is reported once, and may be requested again`, async () => {
    await using scene = await start();
    const { hub, peer, conn, errors } = scene;
    peer.send(["sub", 1, topic]);
    await peer.hears("res", 1);
    await hub.publish(topic, "before");
    conn.unsubscribe(topic, "Your plan has ended");
    conn.unsubscribe(topic, "Again");
    await hub.publish(topic, "after");
    const [, , error] = await peer.hears("end");
    assertEquals([error.code, error.message], ["FORBIDDEN", "Your plan has ended"]);
    assertEquals(hub.stats().subscriptions, 0);
    peer.send(["sub", 2, topic]);
    await peer.hears("res", 2);
    await hub.publish(topic, "anew");
    await waitFor(() => peer.heard.some((message) => message.includes("anew")), { what: "the message" });
    assertEquals(peer.heard.some((message) => message.includes("after")), false);
    assertEquals(heard(peer, "end").length, 1);
    assertEquals(errors, []);
  });
}

test("a withdrawn subscribe that waits for its rule gets the reason, and the rule gets an abort", async () => {
  const aborted: unknown[] = [];
  await using scene = await start({
    authorize: {
      "news/:id": ({ signal }: Untyped) =>
        new Promise(() => signal.addEventListener("abort", () => aborted.push(signal.reason.code))),
    },
  });
  const { peer, conn } = scene;
  peer.send(["sub", 1, "news/1"]);
  await waitFor(() => (conn.unsubscribe("news/1", "No more"), peer.heard.some(([kind]) => kind === "err")), {
    what: "the refusal",
  });
  const [, , error] = await peer.hears("err", 1);
  assertEquals([error.code, error.message], ["FORBIDDEN", "No more"]);
  assertEquals(aborted, ["FORBIDDEN"]);
  assertEquals(heard(peer, "end"), []);
});

test("a subscribe that gets its missed messages ends in the middle, and gets no more", async () => {
  const memory = createMemoryHistory();
  let release = () => {};
  const history = {
    ...memory,
    name: "slow",
    open: (context: Untyped) => memory.open?.(context),
    append: memory.append.bind(memory),
    read: async (...args: Parameters<typeof memory.read>) => {
      await new Promise<void>((resolve) => release = resolve);
      return await memory.read(...args);
    },
  };
  await using scene = await start({ history });
  const { hub, peer, conn } = scene;
  for (const n of [1, 2, 3]) await hub.publish("log/1", n);
  peer.send(["sub", 1, "log/1", { last: 10 }]);
  let unsubscribed = false;
  await waitFor(() => {
    release();
    if (!unsubscribed && hub.stats().subscriptions > 0) {
      unsubscribed = (conn.unsubscribe("log/1", "No more"), true);
    }
    return peer.heard.some(([kind]) => kind === "err" || kind === "end");
  }, { what: "the end" });
  const [, , error] = peer.heard.find(([kind]) => kind === "err" || kind === "end");
  assertEquals([error.code, error.message], ["FORBIDDEN", "No more"]);
  const count = peer.heard.length;
  await hub.publish("log/1", 4);
  peer.send(["ping"]);
  await peer.hears("pong");
  assertEquals(peer.heard.slice(count).map(([kind]) => kind), ["pong"]);
  assertEquals(hub.stats().subscriptions, 0);
});

test("conn.unsubscribe of an unsubscribed topic, of another role's topic, with a wrong reason, and of a client that is gone", async () => {
  await using scene = await start();
  const { peer, conn } = scene;
  conn.unsubscribe("news/1");
  for (const topic of ["nowhere", "theirs", ""]) {
    assertEquals(assertThrows(() => conn.unsubscribe(topic), HubError).code, "NOT_FOUND");
  }
  for (const topic of [undefined, null, 5, {}]) {
    const { message } = assertThrows(() => conn.unsubscribe(topic), TypeError);
    assertEquals(message.endsWith("the topic of unsubscribe: give a text"), true, message);
  }
  assertThrows(() => conn.unsubscribe("news/1", 5), TypeError, "reason");
  peer.send(["sub", 1, "news/1"]);
  await peer.hears("res", 1);
  conn.unsubscribe("news/1");
  const [, , error] = await peer.hears("end");
  assertEquals(error.message, 'The application has ended the subscription to "news/1"');
  peer.leave();
  await waitFor(() => conn.signal.aborted, { what: "it to be gone" });
  conn.unsubscribe("news/1");
});

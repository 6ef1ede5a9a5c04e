import { assertEquals } from "@std/assert";
import { test, waitFor } from "../harness.ts";
import { microtasks } from "../hub/wires.ts";
import { pass, stage, type Untyped } from "./scene.ts";

const definition = {
  roles: {
    m: {
      clientToServer: { ask: { input: pass, output: pass }, tell: { payload: pass } },
      topics: { "log/:name": { payload: pass } },
    },
  },
};

test("functions run around the topics that a hello asks for, too", async () => {
  await using scene = await stage(definition);
  const seen: string[] = [];
  scene.hub.use((call: Untyped, next: Untyped) => {
    seen.push(`${call.kind} ${call.topic}`);
    if (call.params.name === "b") throw new Error("the password is hunter2");
    return next();
  });
  const peer = scene.dial();
  peer.send(["hello", { role: "m", topics: [[1, "log/a"], [2, "log/b"]] }]);
  await peer.hears("res", 1);
  assertEquals((await peer.hears("err", 2))[2].code, "INTERNAL");
  assertEquals([seen, scene.hub.stats().subscriptions], [["subscription log/a", "subscription log/b"], 1]);
});

test("a signal of a client that has left still runs, a request does not, and a hub that closes waits for neither", async () => {
  const scene = await stage(definition);
  const { promise, resolve } = Promise.withResolvers<void>();
  const done: string[] = [];
  scene.hub.implement({ m: { ask: () => done.push("ask"), tell: (text: string) => done.push(text) } });
  const waiting: string[] = [];
  scene.hub.use(async ({ kind }: Untyped, next: Untyped) => {
    waiting.push(kind);
    await promise;
    await next();
  });
  const peers = [await scene.enter(), await scene.enter(), await scene.enter()];
  peers[0]!.send(["sig", "tell", "goodbye"]);
  peers[1]!.send(["req", 1, "ask"]);
  peers[2]!.send(["sub", 1, "log/a"]);
  await waitFor(() => waiting.length === 3, { what: "the calls" });
  peers[0]!.leave();
  await waitFor(() => scene.hub.stats().connections === 2, { what: "the client to be gone" });
  await scene.hub.close();
  resolve();
  await microtasks();
  assertEquals([done, scene.errors, scene.hub.stats().handling], [["goodbye"], [], 0]);
  assertEquals(scene.hub.stats().subscriptions, 0);
});

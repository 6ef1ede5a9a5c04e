import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type Clock, systemClock } from "../../contract/clock.ts";
import { FakeClock } from "../fake_clock.ts";
import { test, waitFor } from "../harness.ts";
import { microtasks, turn } from "../hub/wires.ts";
import { pass, type Peer, stage, type Untyped } from "./scene.ts";

const contract = { roles: { m: { clientToServer: { ping: { input: pass, output: pass } } } } };

/** A clock whose turns a test ends, from `hold` on. */
class TurnClock implements Clock {
  #held: (() => void)[] | undefined;
  now = () => systemClock.now();
  after: Clock["after"] = (...timer) => systemClock.after(...timer);
  endOfTurn(callback: () => void): void {
    if (this.#held) this.#held.push(callback);
    else systemClock.endOfTurn(callback);
  }
  hold(): void {
    this.#held = [];
  }
  release(): void {
    const held = this.#held!;
    this.#held = undefined;
    for (const callback of held) callback();
  }
  /** Ends one turn, and lets everything run that is ready then. */
  async turn(): Promise<void> {
    for (const callback of this.#held!.splice(0)) callback();
    await turn();
  }
}

/** Calls of `authenticate` that a test answers, in the order in which they were made. */
function calls() {
  const made: { readonly token: string; answer(): void; readonly signal: AbortSignal }[] = [];
  const authenticate = ({ role, token, signal }: Untyped) =>
    new Promise((resolve) => made.push({ token, answer: () => resolve({ role }), signal }));
  return { made, authenticate, tokens: () => made.map(({ token }) => token) };
}

/** A hub with a clock that stands still, and clients that say hello to it. */
async function door(limits: Untyped) {
  const clock = new FakeClock();
  const { made, authenticate, tokens } = calls();
  const scene = await stage(contract, { clock, limits, authenticate });
  const come = (token: string): Peer => {
    const peer = scene.dial();
    peer.send(["hello", { role: "m", token }]);
    return peer;
  };
  const counts = () => {
    const { authenticating, queued } = scene.hub.stats();
    return [authenticating, queued];
  };
  const until = (authenticating: number, queued: number) =>
    waitFor(() => `${counts()}` === `${[authenticating, queued]}`, {
      what: `${authenticating} to be authenticated and ${queued} to wait; it is ${counts()}`,
    });
  return {
    scene,
    clock,
    made,
    tokens,
    come,
    until,
    [Symbol.asyncDispose]: () => scene[Symbol.asyncDispose](),
  };
}

test("arrivals: a limited number is authenticated at the same time, the others in the order of their arrival", async () => {
  await using hub = await door({ maxAuthenticating: 2 });
  const peers = ["a", "b", "c", "d", "e"].map(hub.come);
  await hub.until(2, 3);
  assertEquals(hub.tokens(), ["a", "b"]);
  hub.made[1]!.answer();
  await peers[1]!.hears("welcome");
  await hub.until(2, 2);
  assertEquals(hub.tokens(), ["a", "b", "c"]);
  for (const i of [0, 2, 3, 4]) {
    await waitFor(() => hub.made[i], { what: `call ${i}` });
    hub.made[i]!.answer();
    await peers[i]!.hears("welcome");
  }
  assertEquals(hub.tokens(), ["a", "b", "c", "d", "e"]);
  await hub.until(0, 0);
});

test("arrivals: a client without a hello takes no turn, nor does one with an unknown role", async () => {
  await using hub = await door({ maxAuthenticating: 1 });
  for (let i = 0; i < 20; i++) hub.scene.dial();
  const nobody = hub.scene.dial();
  nobody.send(["hello", { role: "nobody" }]);
  await nobody.ends();
  const peer = hub.come("a");
  await hub.until(1, 0);
  hub.made[0]!.answer();
  await peer.hears("welcome");
});

test("arrivals: authenticate is not called for a client that leaves while it waits", async () => {
  await using hub = await door({ maxAuthenticating: 1 });
  const [, second] = ["a", "b", "c"].map(hub.come);
  await hub.until(1, 2);
  second!.leave();
  await hub.until(1, 1);
  hub.made[0]!.answer();
  await waitFor(() => hub.made.length === 2, { what: "the next" });
  assertEquals(hub.tokens(), ["a", "c"]);
});

test("arrivals: authenticate is not called for a client that has left when its turn comes, or its signal is aborted", async () => {
  let untold = 0;
  for (let steps = 0; steps < 20; steps++) {
    await using hub = await door({ maxAuthenticating: 1 });
    const [, second] = ["a", "b"].map(hub.come);
    await hub.until(1, 1);
    hub.made[0]!.answer();
    await microtasks(steps);
    second!.leave();
    await waitFor(() => hub.scene.hub.stats().handshakes === 0, { what: "the goodbye" });
    await turn();
    const call = hub.made.find(({ token }) => token === "b");
    if (call?.signal.aborted === false) untold++;
    if (!call) await hub.until(0, 0);
  }
  assertEquals(untold, 0);
});

test("arrivals: clients that connect and leave, again and again, make no more calls than allowed, until their time is up", async () => {
  await using hub = await door({ maxAuthenticating: 3, handshakeTimeoutMs: 1_000 });
  for (let i = 0; i < 50; i++) {
    const peer = hub.come(`${i}`);
    await waitFor(() => hub.scene.hub.stats().handshakes === 1, { what: "the hello" });
    peer.leave();
    await waitFor(() => hub.scene.hub.stats().handshakes === 0, { what: "the goodbye" });
  }
  await hub.until(3, 0);
  assertEquals(hub.made.length, 3);
  assert(hub.made.every(({ signal }) => signal.aborted));
  hub.clock.advance(500);
  hub.come("good");
  await hub.until(3, 1);
  hub.clock.advance(499);
  await hub.until(3, 1);
  hub.clock.advance(1);
  await hub.until(1, 0);
  assertEquals(hub.made.at(-1)!.token, "good");
});

test("arrivals: a client that has waited for half of the handshake's time is told when to come back, and this is reported once", async () => {
  await using hub = await door({ maxAuthenticating: 1, handshakeTimeoutMs: 8_000 });
  const peers = ["a", "b", "c"].map(hub.come);
  await hub.until(1, 2);
  hub.clock.advance(3_999);
  await hub.until(1, 2);
  hub.clock.advance(1);
  for (const peer of peers.slice(1)) {
    const { code, reason } = await peer.ends();
    assertEquals([code, reason], [4004, "Too many clients come at once"]);
    const [, fault] = await peer.hears("fault");
    assertEquals([fault.code, typeof fault.data.retryInMs], ["UNAVAILABLE", "number"]);
  }
  const [{ error, info }, ...more] = hub.scene.errors;
  assertEquals([info.stage, info.reason, more.length], ["refused", "busy", 0]);
  assertStringIncludes(error.message, "limits.maxAuthenticating is 1");
  assertEquals(error.cause, undefined, "A refusal of the hub's own is no second error");
  assertEquals(hub.scene.hub.stats().refused.busy, 2);
  hub.made[0]!.answer();
  await peers[0]!.hears("welcome");
});

test("arrivals: a client with a slow hello may wait for half of the time that is left", async () => {
  await using hub = await door({ maxAuthenticating: 1, handshakeTimeoutMs: 8_000 });
  hub.come("a");
  const slow = hub.scene.dial();
  await hub.until(1, 0);
  hub.clock.advance(6_000); // the network is busy, too, when many come back
  hub.made[0]!.answer();
  await hub.until(0, 0);
  hub.come("b");
  await hub.until(1, 0);
  slow.send(["hello", { role: "m", token: "c" }]);
  await hub.until(1, 1);
  hub.clock.advance(999);
  await hub.until(1, 1);
  hub.clock.advance(1);
  assertEquals((await slow.ends()).code, 4004);
});

test("arrivals: clients that would wait too long are told at once, each another time, at the rate of the accepted ones", async () => {
  await using hub = await door({ maxAuthenticating: 2, handshakeTimeoutMs: 10_000 });
  const first = hub.come("first");
  await hub.until(1, 0);
  hub.clock.advance(1_000); // that is what one takes
  hub.made[0]!.answer();
  await first.hears("welcome");
  // Two at a time, each for a second: eleven wait for 5.5 seconds, which is too long already.
  const peers = Array.from({ length: 20 }, (_, i) => hub.come(`${i}`));
  await hub.until(2, 11);
  const told: number[] = [];
  for (const peer of peers.slice(13)) {
    assertEquals((await peer.ends()).code, 4004);
    told.push((await peer.hears("fault"))[1].data.retryInMs);
  }
  assertEquals(told, [6_000, 6_500, 7_000, 7_500, 8_000, 8_500, 9_000]);
});

for (const max of [1, 2]) {
  test(`arrivals: no client is sent away because this node was too busy to notice the answer of authenticate, ${max} at a time`, async () => {
    await using hub = await door({ maxAuthenticating: max, handshakeTimeoutMs: 10_000 });
    const first = ["a", "b"].map(hub.come);
    await hub.until(max, 2 - max);
    hub.clock.jump(3_000); // it takes in links, and hears of nothing else
    for (let i = 0; i < 2; i++) {
      await waitFor(() => hub.made[i], { what: `call ${i}` });
      hub.made[i]!.answer();
      await first[i]!.hears("welcome");
    }
    const peers = Array.from({ length: 100 }, (_, i) => hub.come(`${i}`));
    await hub.until(max, 100 - max);
    assertEquals(peers.filter(({ closed }) => closed).length, 0);
    // What is slow itself, is slow also on a busy node.
    hub.clock.advance(1_000);
    hub.clock.jump(500);
    for (const { answer } of hub.made.slice(2)) answer();
    for (const peer of peers.slice(0, max)) await peer.hears("welcome");
    hub.come("late");
    await waitFor(() => hub.scene.hub.stats().refused.busy > 0, { what: "a client to be sent away" });
  });
}

test("arrivals: no client is sent away for longer than a minute, and they do not all come back at that moment", async () => {
  await using hub = await door({ maxAuthenticating: 1, handshakeTimeoutMs: 10_000 });
  const first = hub.come("first");
  await hub.until(1, 0);
  hub.clock.advance(6_000);
  hub.made[0]!.answer();
  await first.hears("welcome");
  const peers = Array.from({ length: 30 }, (_, i) => hub.come(`${i}`));
  await hub.until(1, 1);
  const told: number[] = [];
  for (const peer of peers.slice(2)) {
    await peer.ends();
    told.push((await peer.hears("fault"))[1].data.retryInMs);
  }
  assert(told.every((ms) => ms >= 6_000 && ms <= 60_000), `${told}`);
  for (const moment of told) {
    const same = told.filter((ms) => ms === moment).length;
    assert(same <= 6, `${same} of ${told.length} come at ${moment}`);
  }
});

test("arrivals: with Infinity all are authenticated at the same time", async () => {
  await using hub = await door({ maxAuthenticating: Infinity });
  const peers = Array.from({ length: 300 }, (_, i) => hub.come(`${i}`));
  await hub.until(300, 0);
  for (const { answer } of hub.made) answer();
  await waitFor(() => hub.scene.hub.stats().connections === 300, { what: "all to be in" });
  assertEquals(peers.filter(({ closed }) => closed).length, 0);
});

test("arrivals: a client that subscribes to a thousand topics in one frame does not keep the others waiting", async () => {
  const clock = new TurnClock();
  await using scene = await stage({
    shared: { topics: { "plain/:n": { payload: pass } } },
    presence: { "plain/:n": { state: pass } },
    ...contract,
  }, { clock });
  const { hub } = scene;
  hub.implement({ m: { ping: () => 1 } });
  const [many, other] = [await scene.enter(), await scene.enter()];
  clock.hold();
  const subs = Array.from({ length: 900 }, (_, i) => ["sub", i + 1, `plain/${i}`]);
  // What is said after them finds them as if they had been handled at once.
  many.send(...subs, ["unsub", "plain/899"], ["sub", 901, "plain/899"], ["watch", 902, "topic:plain/898"]);
  other.send(["req", 1, "ping", 1]);
  await clock.turn();
  const answered = () => many.heard.filter(([kind]) => kind === "res").length;
  for (let turns = 1; !other.heard.some(([kind]) => kind === "res"); turns++) {
    assert(turns < 4, `it waits while ${answered()} of 900 go first`);
    await clock.turn();
  }
  assert(answered() <= 4 * 64, `${answered()} of 900 went first`);
  clock.release();
  await many.hears("res", 901);
  await many.hears("res", 902);
  assertEquals(many.heard.filter(([kind]) => kind === "err").map(([, id]) => id), [900]);
  assertEquals(hub.stats().subscriptions, 900);
  hub.publish("plain/899", "news");
  await many.hears("pub", "plain/899");
});

test("arrivals: clients that leave before their thousand subscribes begin take no turns from the others", async () => {
  await using scene = await stage({ shared: { topics: { "plain/:n": { payload: pass } } }, ...contract });
  scene.hub.implement({ m: { ping: () => 1 } });
  const other = await scene.enter();
  const subs = Array.from({ length: 900 }, (_, i) => ["sub", i + 1, `plain/${i}`]);
  const leaving = await Promise.all(Array.from({ length: 20 }, () => scene.enter()));
  for (const peer of leaving) {
    peer.send(...subs, ["unsub", "plain/899"]);
    peer.leave();
  }
  await waitFor(() => scene.hub.stats().connections === 1, { what: "them to be gone" });
  other.send(["sub", 1, "plain/1"]);
  let turns = 0;
  for (; !other.heard.some(([kind]) => kind === "res"); turns++) {
    await new Promise<void>((resolve) => systemClock.endOfTurn(resolve));
  }
  assert(turns < 50, `it waited for ${turns} turns`);
  assertEquals(scene.hub.stats().subscriptions, 1);
  assertEquals(scene.errors, []);
});

test("arrivals: clients that leave before they are back in their rooms take no turns from the others", async () => {
  await using scene = await stage(
    { shared: { topics: { "plain/:n": { payload: pass } } }, ...contract },
    { rejoin: () => true },
  );
  const { hub } = scene;
  hub.implement({ m: { ping: () => 1 } });
  const other = await scene.enter();
  const joined = Array.from({ length: 50 }, (_, i) => `room/${i}`);
  const leaving = Array.from({ length: 600 }, () => {
    const peer = scene.dial();
    peer.send(["hello", { role: "m", joined }]);
    return peer;
  });
  await waitFor(() => hub.stats().connections === 601, { what: "all to wait for their rooms" });
  for (const peer of leaving) peer.leave();
  await waitFor(() => hub.stats().connections === 1, { what: "them to be gone" });
  other.send(["sub", 1, "plain/1"]);
  let turns = 0;
  for (; !other.heard.some(([kind]) => kind === "res"); turns++) {
    await new Promise<void>((resolve) => systemClock.endOfTurn(resolve));
  }
  assert(turns < 25, `it waited for ${turns} turns`);
  assertEquals([hub.stats().groups, scene.errors], [2, []]);
});

test("arrivals: a client that reconnects with a thousand histories does not delay the others", async () => {
  const TOPICS = 1_000;
  const clock = new TurnClock();
  await using scene = await stage({
    shared: { topics: { "log/:n": { payload: pass, history: { size: 10 } } } },
    ...contract,
  }, { clock });
  const { hub } = scene;
  hub.implement({ m: { ping: () => 1 } });
  for (let i = 0; i < TOPICS; i++) await hub.publish(`log/${i}`, "x");
  const back = await scene.enter();
  const other = await scene.enter();
  const subs = [];
  for (let i = 0; i < TOPICS; i++) {
    const { epoch } = await hub.position(`log/${i}`);
    subs.push(["sub", i + 1, `log/${i}`, { since: [epoch, 0] }]);
  }
  clock.hold();
  back.send(...subs);
  other.send(["req", 1, "ping", 1]);
  await clock.turn();
  const answered = () => back.heard.filter(([kind]) => kind === "res").length;
  for (let turns = 1; !other.heard.some(([kind]) => kind === "res"); turns++) {
    assert(turns < 4, `it waits while ${answered()} of ${TOPICS} go first`);
    await clock.turn();
  }
  assert(answered() < 40, `${answered()} of ${TOPICS} went first`);
  clock.release();
  await waitFor(() => answered() === TOPICS, { what: "all to be live" });
  assertEquals(back.heard.filter(([kind]) => kind === "rec").length, TOPICS);
  assertEquals(hub.stats().historyReads, 0);
});

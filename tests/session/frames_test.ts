import { assert, assertEquals } from "@std/assert";
import { FakeClock } from "../fake_clock.ts";
import { test, waitFor } from "../harness.ts";
import { pass, schema, stage, type Untyped } from "./scene.ts";

const held = { release: Promise.withResolvers<void>() };

const contract = {
  roles: {
    m: {
      clientToServer: {
        note: { input: pass, output: pass },
        late: { input: schema((value) => held.release.promise.then(() => ({ value }))), output: pass },
        work: { input: pass, output: pass },
        sign: { payload: pass },
      },
      topics: { "log/:id": { payload: pass, history: { size: 100 } } },
    },
  },
};

async function noting(options: Untyped = {}) {
  const noted: unknown[] = [];
  const scene = await stage(contract, options);
  scene.hub.implement({
    m: {
      note: (value: Untyped, { conn }: Untyped) => {
        noted.push(value);
        if (value === "close") conn.close();
      },
      late: (value: unknown) => void noted.push(value),
      work: () => new Promise(() => {}),
      sign: (value: unknown) => void noted.push(value),
    },
  });
  return { scene, noted };
}

for (
  const [what, end] of Object.entries({
    "a message that is none": 5,
    "an unknown kind": ["nonsense"],
    "a second hello": ["hello", { role: "m" }],
    "a message that makes the application close": ["req", 9, "note", "close"],
  })
) {
  test(`frames: messages before ${what} in one frame are handled, and none after it`, async () => {
    const { scene, noted } = await noting();
    await using _ = scene;
    const peer = await scene.enter();
    peer.send(["req", 1, "note", "before"], end, ["req", 2, "note", "after"], ["sig", "sign", "after"], [
      "sub",
      3,
      "log/a",
    ]);
    await peer.ends();
    await waitFor(() => scene.hub.stats().connections === 0, { what: "the end" });
    assertEquals(noted.filter((note) => note !== "close"), ["before"]);
  });
}

test("frames: messages that wait behind a schema are not handled after the connection's close was decided", async () => {
  held.release = Promise.withResolvers();
  const { scene, noted } = await noting();
  await using _ = scene;
  const peer = await scene.enter();
  peer.send(["req", 1, "late", "late"], ["req", 2, "note", "close"], ["req", 3, "note", "after"]);
  await waitFor(() => scene.hub.stats().handling === 3, { what: "three to wait" });
  held.release.resolve();
  await peer.ends();
  assertEquals(noted, ["late", "close"]);
});

test("frames: empty frames count against the rate", async () => {
  const { scene } = await noting({
    clock: new FakeClock(),
    limits: { messagesPerSecond: 10, messageBurst: 20 },
  });
  await using _ = scene;
  const peer = await scene.enter();
  for (let i = 0; i < 41; i++) peer.send();
  assertEquals((await peer.ends()).code, 4005);
});

test("frames: after an idle time a connection may send its burst once, not twice", async () => {
  const clock = new FakeClock();
  const { scene, noted } = await noting({ clock, limits: { messagesPerSecond: 1, messageBurst: 20 } });
  await using _ = scene;
  const peer = await scene.enter();
  clock.advance(20_000);
  for (let i = 0; i < 30; i++) peer.send(["req", i + 1, "note", i]);
  await peer.hears("err", 30);
  assertEquals(noted.length, 20);
});

test("frames: the bytes of messages that wait behind a schema are limited, and so are those in handlers", async () => {
  held.release = Promise.withResolvers();
  const { scene } = await noting({ limits: { maxPendingBytes: 50_000 } });
  await using _ = scene;
  const large = "x".repeat(20_000);
  const waits = await scene.enter();
  waits.send(["req", 1, "late", "late"]);
  for (let i = 0; i < 4; i++) waits.send(["req", i + 2, "note", large]);
  assertEquals((await waits.ends()).code, 4005);

  const works = await scene.enter();
  for (let i = 0; i < 4; i++) works.send(["req", i + 1, "work", large]);
  assertEquals((await works.hears("err", 4))[2].code, "RATE_LIMITED");
  works.send(["sig", "sign", 1]);
  assertEquals((await works.hears("fault"))[1].code, "RATE_LIMITED");
  assertEquals(scene.hub.stats().handling, 3);
  held.release.resolve();
});

test("frames: waiting and running messages are counted in bytes, whatever their alphabet", async () => {
  const { scene } = await noting({ limits: { maxPendingBytes: 50_000 } });
  await using _ = scene;
  const peer = await scene.enter();
  for (let i = 0; i < 3; i++) peer.send(["req", i + 1, "work", "好".repeat(10_000)]); // 30,000 bytes each
  assertEquals((await peer.hears("err", 3))[2].code, "RATE_LIMITED");
  assertEquals(scene.hub.stats().handling, 2);
});

test("frames: many small messages of one frame that wait count as one frame", async () => {
  const { scene } = await noting({ limits: { maxPendingBytes: 10_000 } });
  await using _ = scene;
  const peer = await scene.enter();
  const messages = Array.from({ length: 200 }, (_, i) => ["req", i + 1, "work", i]);
  peer.send(...messages);
  peer.send(["req", 500, "note", 1]);
  await peer.hears("res", 500);
  assertEquals(scene.hub.stats().handling, 200);
});

test("frames: a request whose schema never answers delays the others until it is cancelled", async () => {
  held.release = Promise.withResolvers();
  const { scene, noted } = await noting();
  await using _ = scene;
  const peer = await scene.enter();
  peer.send(["req", 1, "late", "late"], ["req", 2, "note", "next"]);
  peer.send(["cancel", 1]);
  await peer.hears("res", 2);
  assertEquals(noted, ["next"]);
  held.release.resolve();
  await waitFor(() => scene.hub.stats().handling === 0, { what: "all to be done" });
  assertEquals(noted, ["next"]);
});

test("frames: a client that subscribes with an old position again and again gets no more than its share of history", async () => {
  const clock = new FakeClock();
  const { scene } = await noting({
    clock,
    limits: { messagesPerSecond: 10, messageBurst: 10_000, recoveryBurst: 250 },
  });
  await using _ = scene;
  const peer = await scene.enter();
  const topic = "log/a";
  const other = await scene.enter(); // keeps the topic live
  other.send(["sub", 1, topic]);
  await other.hears("res", 1);
  await scene.hub.forRole("m").publish(topic, 0);
  peer.send(["sub", 1, topic]);
  const { position: [epoch] } = (await peer.hears("res", 1))[2];
  for (let i = 0; i < 99; i++) await scene.hub.forRole("m").publish(topic, i);
  await waitFor(() => peer.heard.filter(([kind]) => kind === "rec").length === 99, {
    what: "all that is live",
  });
  const ended = (id: number) =>
    waitFor(() => peer.heard.find(([kind, of]) => (kind === "res" || kind === "err") && of === id), {
      what: `the end of subscribe ${id}`,
    });
  const outcomes: unknown[] = [];
  for (let id = 2; id < 10; id++) {
    peer.send(["unsub", topic], ["sub", id, topic, { since: [epoch, 1] }]);
    const [kind, , about] = await ended(id);
    outcomes.push(kind === "res" ? about.recovered : about.code);
  }
  assertEquals(outcomes, [...Array(3).fill(true), ...Array(5).fill("RATE_LIMITED")]);
  assertEquals(peer.heard.filter(([kind]) => kind === "rec").length, 4 * 99);
  clock.advance(5_000);
  peer.send(["sub", 50, topic, { since: [epoch, 1] }]);
  await peer.hears("res", 50);
});

test("frames: long names are refused, and the error does not repeat them", async () => {
  const { scene } = await noting();
  await using _ = scene;
  const peer = await scene.enter();
  const long = "x".repeat(5_000);
  peer.send(["sub", 1, `log/${long}`], ["req", 2, long, 1], ["sig", long, 1]);
  assertEquals((await peer.hears("err", 1))[2].code, "BAD_REQUEST");
  assertEquals((await peer.hears("err", 2))[2].code, "NOT_FOUND");
  await peer.hears("fault");
  assert(JSON.stringify(peer.heard).length < 2_000);
});

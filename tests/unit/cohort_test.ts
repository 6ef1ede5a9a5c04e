import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { Group } from "../../hub/groups/group.ts";
import { cohortsOfList } from "../../hub/outbox/cohort.ts";
import type { OutgoingMessage } from "../../hub/outbox/outgoing_message.ts";
import { pushToSome } from "../../hub/outbox/tape.ts";
import { runs } from "../contract/runs.ts";
import { test } from "../harness.ts";
import { numbered } from "./counting_codec.ts";
import { type FakeConnection, NumberedRecord, TapeScene } from "./tape_scene.ts";

/** Connections that count how often somebody looks at them. */
function counted(count: number) {
  const scene = new TapeScene({ maxFrameMessages: Infinity, maxFrameLength: Infinity });
  const conns = Array.from({ length: count }, () => scene.connect());
  const counts = { looks: 0 };
  for (const conn of conns) {
    const { outbox } = conn;
    Object.defineProperty(conn, "outbox", { get: () => (counts.looks++, outbox) });
  }
  return { scene, conns, counts };
}

/** Who is in which group, to which groups messages go in one turn, and who is left out of them. */
const shape = fc.integer({ min: 2, max: 40 }).chain((members) =>
  fc.record({
    groups: fc.array(fc.subarray(Array.from({ length: members }, (_, i) => i), { minLength: 2 }), {
      minLength: 1,
      maxLength: 12,
      size: "max",
    }),
    members: fc.constant(members),
    messages: fc.array(
      fc.record({ g: fc.nat(11), except: fc.option(fc.nat(members - 1), { nil: -1, freq: 2 }) }),
      { minLength: 1, maxLength: 200, size: "max" },
    ),
  })
);

/** How many lists differ. */
const distinct = (lists: Iterable<readonly number[]>): number => new Set(Array.from(lists, String)).size;

test("cohort: a turn looks at most twice at a member of a group, however many messages it has and whoever is left out of them, and joins each frame once", () => {
  fc.assert(
    fc.property(shape, ({ groups: memberships, members, messages }) => {
      const { scene, conns, counts } = counted(members);
      const groups = memberships.map((indexes) => {
        const group = new Group();
        for (const i of indexes) group.add(conns[i]!);
        return group;
      });
      for (let turn = 0; turn < 2; turn++) {
        counts.looks = 0;
        scene.codec.joined = 0;
        const told = new Set<Group>();
        const others: number[][] = conns.map(() => []);
        const leftOut = new Set<FakeConnection>();
        for (const [n, { g, except }] of messages.entries()) {
          const group = groups[g % groups.length]!;
          group.deliver(numbered(n), { except: conns[except] });
          told.add(group);
          for (const i of memberships[g % groups.length]!) {
            others[i]!.push(n);
            if (i === except) leftOut.add(conns[i]!);
          }
        }
        const cohorts = new Set(conns.flatMap(({ outbox: { cohort } }) => cohort ?? []));
        assert(cohorts.size <= distinct(others), `${cohorts.size} cohorts: a message costs a step for each`);
        const looks = counts.looks - messages.length - conns.length; // those for who is left out, and ours
        const most = [...told].reduce((sum, { size }) => sum + 2 * size, 0);
        assert(looks <= most, `${looks} looks at ${most / 2} members`);
        scene.endTurn();
        const shared = distinct(others.filter((list, i) => list.length > 0 && !leftOut.has(conns[i]!)));
        assert(scene.codec.joined >= shared, `only ${scene.codec.joined} frames`);
        assert(scene.codec.joined <= shared + leftOut.size, `${scene.codec.joined} frames were joined`);
        for (const [i, conn] of conns.entries()) {
          const got = conn.got.splice(0).map((message) => (message as unknown[])[2]);
          const expected = others[i]!.filter((n) => conns[messages[n]!.except] !== conn);
          assertEquals(got.slice(turn * expected.length), expected);
        }
      }
    }),
    runs(300),
  );
});

test("cohort: a member that leaves it because of messages of its own costs the others nothing", () => {
  const { scene, conns, counts } = counted(100);
  const group = new Group();
  for (const conn of conns) group.add(conn);
  const { outbox: [one, two] } = { outbox: conns.slice(0, 2).map(({ outbox }) => outbox) };
  group.deliver(numbered(0));
  counts.looks = 0;
  for (let n = 1; n < 60; n += 3) {
    one!.pushOwn(numbered(n));
    two!.pushOwn(numbered(n + 1));
    group.deliver(numbered(n + 2));
  }
  assertEquals(counts.looks, 0);
  scene.codec.joined = 0;
  scene.endTurn();
  assertEquals(scene.codec.joined, 3);
});

test("cohort: connections in the same groups stay together, also after messages for some of them", () => {
  const { scene, conns } = counted(60);
  const groups = Array.from({ length: 20 }, () => new Group());
  for (const group of groups) for (const conn of conns) group.add(conn);
  const [even, third] = [new Group(), new Group()];
  for (const [i, conn] of conns.entries()) {
    if (i % 2 === 0) even.add(conn);
    if (i % 3 === 0) third.add(conn);
  }
  const sent: [Group, OutgoingMessage][] = [];
  for (const [i, group] of groups.entries()) {
    sent.push([group, numbered(i)]);
    if (i % 5 === 0) sent.push([even, numbered(100 + i)]);
    if (i % 7 === 0) sent.push([third, numbered(200 + i)]);
  }
  for (const [group, message] of sent) group.deliver(message);
  scene.codec.joined = 0;
  scene.endTurn();
  assertEquals(scene.codec.joined, 4, "in both, in one of the two, in none");
});

/** How often a turn adds a message to a cohort or to an outbox. */
function countAdds(conns: readonly FakeConnection[]): { adds: number } {
  const counts = { adds: 0 };
  for (const { outbox } of conns) {
    const push = outbox.push.bind(outbox);
    outbox.push = (message) => {
      counts.adds++;
      push(message);
    };
  }
  return counts;
}

const departures: Record<string, (conns: readonly FakeConnection[], told: Group) => void> = {
  "come": () => {},
  "leave another group": (conns, told) => conns.forEach((conn) => told.delete(conn as never)),
  "get the same message one by one": (conns) => {
    const ping = numbered(-5);
    for (const { outbox } of conns) outbox.push(ping);
  },
  "are flushed": (conns) => conns.forEach(({ outbox }) => outbox.flush()),
};

for (const [what, depart] of Object.entries(departures)) {
  test(`cohort: members that ${what} within a turn are together again for the messages after it`, () => {
    const { scene, conns } = counted(200);
    const [group, other] = [new Group(), new Group()];
    for (const conn of what === "come" ? conns.slice(0, 2) : conns) {
      group.add(conn);
      other.add(conn);
    }
    group.deliver(numbered(0));
    other.deliver(numbered(1));
    depart(conns, other);
    for (const conn of conns) group.add(conn);
    const counts = countAdds(conns);
    for (let n = 2; n < 40; n++) group.deliver(numbered(n));
    assert(counts.adds <= 2 * conns.length, `${counts.adds} messages were added one by one`);
    scene.codec.joined = 0;
    scene.endTurn();
    assert(scene.codec.joined <= 2, `${scene.codec.joined} frames`);
  });
}

test("cohort: members that come within a turn cost little, also between messages for some roles", () => {
  const { scene, conns } = counted(200);
  const group = new Group();
  const mixed = [...conns, scene.connect("e")];
  for (const conn of mixed.slice(0, 2)) group.add(conn);
  group.deliver(numbered(0));
  for (const conn of mixed) group.add(conn);
  const counts = countAdds(mixed);
  for (let n = 1; n < 40; n++) group.deliver(numbered(n), n % 2 === 0 ? { event: "e" } : {});
  assert(counts.adds <= 2 * conns.length, `${counts.adds} messages were added one by one`);
});

test("cohort: senders that do not get their own messages share all frames but one with the others", () => {
  const scene = new TapeScene({ maxFrameMessages: 8 });
  const group = new Group();
  const conns = Array.from({ length: 200 }, () => scene.connect());
  for (const conn of conns) group.add(conn);
  scene.codec.joined = 0;
  for (const [n, except] of conns.entries()) group.deliver(numbered(n), { except });
  for (const [i, { got }] of conns.entries()) {
    assertEquals(got.map((message) => (message as unknown[])[2]), [...conns.keys()].filter((n) => n !== i));
  }
  assertEquals(scene.codec.joined, 200 + 25, "one for each, and one for the others");
});

for (
  const how of ["to some roles", "to several rooms", "of a room with history", "of such a room to some roles"]
) {
  test(`cohort: senders that do not get their own messages ${how} stay with the others`, () => {
    const scene = new TapeScene();
    const conns = Array.from({ length: 50 }, () => scene.connect("e"));
    const group = new Group();
    for (const conn of how.endsWith("some roles") ? [...conns, scene.connect("f")] : conns) {
      (conn as FakeConnection).recovers = true;
      group.add(conn);
    }
    const got: number[][] = conns.map(() => []);
    for (const [i, except] of conns.entries()) {
      const n = i + 1;
      if (how.includes("history")) group.deliverRecord(new NumberedRecord(n), except);
      else if (how === "to some roles") group.deliver(numbered(n), { event: "e", except });
      else pushToSome(numbered(n), conns.map(({ outbox }) => outbox), scene.turn, except.outbox);
      for (const [j, list] of got.entries()) {
        if (j !== i) list.push(n);
        else if (how.includes("history")) list.push(-n);
      }
    }
    assertEquals(new Set(conns.map(({ outbox }) => outbox.cohort)).size, 1, "nobody is apart");
    for (const [i, conn] of conns.entries()) {
      assertEquals(conn.got.map((message) => (message as unknown[])[2]), got[i]);
    }
  });
}

test("cohort: a message that nobody gets but its sender, who is left out, parts nobody", () => {
  const { scene, conns } = counted(10);
  const group = new Group();
  for (const conn of conns) group.add(conn);
  group.deliver(numbered(0));
  pushToSome(numbered(1), [conns[0]!.outbox], scene.turn, conns[0]!.outbox);
  assertEquals(new Set(conns.map(({ outbox }) => outbox.cohort)).size, 1);
  for (const conn of conns) assertEquals(conn.got.length, 1);
});

test("cohort: a sender that is not a member stays with the others", () => {
  const { scene, conns } = counted(10);
  const [all, some] = [new Group(), new Group()];
  for (const conn of conns) all.add(conn);
  for (const conn of conns.slice(0, 5)) some.add(conn);
  all.deliver(numbered(0));
  for (const except of conns.slice(5)) some.deliver(numbered(1), { except });
  assertEquals(new Set(conns.map(({ outbox }) => outbox.cohort)).size, 2);
  scene.endTurn();
});

test("cohort: more members with messages of their own than a call has arguments can be in a group", () => {
  const { turn } = new TapeScene();
  const members = Array.from({ length: 150_000 }, () => {
    const own = turn.root.alone(numbered(0));
    return { cohort: undefined, own: undefined, giveSequence: () => own, emit() {} };
  });
  assertEquals(cohortsOfList(members, turn).length, members.length);
});

for (const how of ["leave the group", "get messages of another group"]) {
  test(`cohort: when all but two ${how}, frames for these two cost as much as if there were no others`, () => {
    const scene = new TapeScene({ maxFrameMessages: 1 });
    const conns = Array.from({ length: 2_000 }, () => scene.connect());
    const [all, most, two] = [new Group(), new Group(), new Group()];
    for (const conn of conns) all.add(conn);
    for (const conn of conns.slice(2)) most.add(conn);
    for (const conn of conns.slice(0, 2)) two.add(conn);
    let looks = 0;
    for (const { outbox } of conns) {
      let { cohort } = outbox;
      Object.defineProperty(outbox, "cohort", {
        get: () => (looks++, cohort),
        set: (value) => void (cohort = value),
      });
    }
    all.deliver(numbered(0));
    if (how.startsWith("get")) most.deliver(numbered(1));
    else for (const conn of conns.slice(2)) all.delete(conn);
    two.deliver(numbered(2));
    looks = 0;
    for (let n = 3; n < 1_003; n++) two.deliver(numbered(n));
    assert(looks <= 10_000, `${looks} looks for 1,000 frames`);
    assertEquals(conns[0]!.frames.length, 1_002);
  });
}

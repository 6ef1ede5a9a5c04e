import { assertEquals, assertRejects } from "@std/assert";
import { HubError, type ServerMessage } from "../../contract/mod.ts";
import type { HubErrorInfo } from "../../hub/api/options.ts";
import type { Connection } from "../../hub/connection/connection.ts";
import { OutgoingMessage } from "../../hub/outbox/outgoing_message.ts";
import { Place } from "../../hub/presence/place.ts";
import type { ViewSnapshot } from "../../hub/presence/view.ts";
import { type Watched, Watchers } from "../../hub/presence/watchers.ts";
import { FakeClock } from "../fake_clock.ts";
import { test } from "../harness.ts";
import { TapeScene } from "../unit/tape_scene.ts";
import { entry, follow, type TestFollowed } from "./followed.ts";

const LOBBY: Watched = { place: "room:lobby", by: "user" };

function scene({ whole = true }: { readonly whole?: boolean } = {}) {
  const clock = new FakeClock();
  const tapes = new TapeScene({ highWaterBytes: 1_000 });
  const place = new Place(LOBBY.place);
  const follows: TestFollowed[] = [];
  const errors: [unknown, HubErrorInfo][] = [];
  const watchers = new Watchers({
    source: {
      follow() {
        const followed = follow(place, whole);
        follows.push(followed);
        return followed;
      },
    },
    clock,
    intervalMs: 100,
    patienceMs: 5_000,
    maxListed: 10,
    maxListedBytes: Infinity,
    messages: (
      _,
      news,
    ) => [message(news.type === "changes" ? news.changes.map(({ member }) => member.id) : news)],
    onError: (error, info) => errors.push([error, info]),
  });
  const watch = (conn: Connection) =>
    watchers.watch(
      LOBBY,
      conn,
      ({ members }: ViewSnapshot) =>
        conn.outbox.pushOwn(message(["snapshot", ...members.map(({ id }) => id)])),
    );
  const turn = () => new Promise<void>((resolve) => clock.endOfTurn(resolve));
  return { clock, tapes, place, follows, errors, watchers, watch, turn };
}

function message(payload: unknown): OutgoingMessage {
  return new OutgoingMessage(["pub", "who", payload] as ServerMessage);
}

const payloads = (got: unknown[]) => got.map((message) => (message as unknown[])[2]);

test("watchers: each gets the list of members, and then every change, in shared frames", async () => {
  const { clock, tapes, place, watchers, watch, turn } = scene();
  const [first, second] = [tapes.connect(), tapes.connect()];
  place.put(entry("c1", "ann"));
  await watch(first);
  place.put(entry("c2", "bob"));
  await turn();
  await watch(second);
  assertEquals(payloads(first.got), [["snapshot", "ann"], ["bob"]]);
  assertEquals(payloads(second.got), [["snapshot", "ann", "bob"]]);
  place.put(entry("c3", "cat"));
  clock.advance(100);
  assertEquals([payloads(first.got).at(-1), payloads(second.got).at(-1)], [["cat"], ["cat"]]);
  assertEquals(first.frames.at(-1) === second.frames.at(-1), true);
  watchers.unwatch(LOBBY, first);
  place.drop("c3");
  clock.advance(100);
  assertEquals([payloads(first.got).length, payloads(second.got).length], [3, 3]);
  watchers.unwatch(LOBBY, second);
  assertEquals([watchers.size, clock.pending], [0, 0]);
});

test("watchers: a place is followed once, while it has a watcher", async () => {
  const { tapes, follows, watchers, watch } = scene();
  const [first, second] = [tapes.connect(), tapes.connect()];
  await watch(first);
  await watch(second);
  assertEquals(follows.length, 1);
  await assertRejects(() => watch(first), HubError, "Already watching");
  watchers.unwatch(LOBBY, first);
  watchers.unwatch(LOBBY, first);
  assertEquals([follows[0]!.released, watchers.size], [0, 1]);
  watchers.unwatch(LOBBY, second);
  assertEquals([follows[0]!.released, watchers.size], [1, 0]);
  await watch(first);
  assertEquals(follows.length, 2);
  watchers.close();
  assertEquals([follows[1]!.released, watchers.size], [1, 0]);
});

test("watchers: a watcher that comes before all members are known waits; one that leaves meanwhile gets nothing", async () => {
  const { tapes, place, follows, watchers, watch } = scene({ whole: false });
  const [first, second, third] = [tapes.connect(), tapes.connect(), tapes.connect()];
  const watching = watch(first);
  const left = assertRejects(() => watch(second), HubError, "Stopped watching");
  const gone = assertRejects(() => watch(third), HubError, "gone");
  watchers.unwatch(LOBBY, second);
  third.closed = true;
  await left;
  assertEquals(follows[0]!.released, 0);
  place.put(entry("c1", "ann"));
  follows[0]!.be(true);
  await watching;
  await gone;
  assertEquals([payloads(first.got), second.got, third.got], [[["snapshot", "ann"]], [], []]);
  watchers.unwatch(LOBBY, first);
  assertEquals(watchers.size, 0);
});

test("watchers: a closing source, and a closing hub, refuse all waiting watchers", async () => {
  const { tapes, follows, watchers, watch } = scene({ whole: false });
  const refused = assertRejects(() => watch(tapes.connect()), HubError, "the source");
  follows[0]!.fail(new HubError("UNAVAILABLE", "Lost the source"));
  await refused;
  assertEquals(watchers.size, 0);
  const closed = assertRejects(() => watch(tapes.connect()), HubError, "closed");
  watchers.close();
  await closed;
  assertEquals(follows.map(({ released }) => released), [1, 1]);
});

test("watchers: a snapshot that cannot be sent refuses its watcher and no other; news that cannot are reported", async () => {
  const { tapes, place, errors, watchers, watch, turn } = scene();
  const conn = tapes.connect();
  const failing = () => {
    throw new TypeError("The snapshot");
  };
  await assertRejects(() => watchers.watch(LOBBY, conn, failing), TypeError, "The snapshot");
  assertEquals(watchers.size, 0);
  await watch(conn);
  place.put(entry("c1", "ann"));
  tapes.codec.encode = failing;
  await turn();
  assertEquals(errors.map(([, info]) => info), [{ stage: "output", channel: LOBBY.place }]);
  watchers.close();
});

test("watchers: a watcher without room on its link gets the list when there is room, with the changes meanwhile", async () => {
  const { tapes, place, watchers, watch, turn } = scene();
  const [slow, gone, quick] = [tapes.connect(), tapes.connect(), tapes.connect()];
  for (const conn of [slow, gone]) conn.fill();
  place.put(entry("c1", "ann"));
  const watching = watch(slow);
  const left = assertRejects(() => watch(gone), HubError, "Stopped watching");
  await watch(quick);
  place.put(entry("c2", "bob"));
  await turn();
  watchers.unwatch(LOBBY, gone);
  await left;
  assertEquals([payloads(quick.got), slow.got], [[["snapshot", "ann"], ["bob"]], []]);
  for (const conn of [slow, gone]) conn.drain();
  await watching;
  assertEquals([payloads(slow.got), gone.got], [[["snapshot", "ann", "bob"]], []]);
  for (const conn of [slow, quick]) watchers.unwatch(LOBBY, conn);
  assertEquals(watchers.size, 0);
});

test("watchers: a connection that ends because of the list does not watch", async () => {
  const { tapes, watchers, watch } = scene();
  const [conn, other] = [tapes.connect(), tapes.connect()];
  await watch(other);
  await assertRejects(
    () => watchers.watch(LOBBY, conn, () => void (conn.closed = true)),
    HubError,
    "gone",
  );
  watchers.unwatch(LOBBY, other);
  assertEquals(watchers.size, 0);
});

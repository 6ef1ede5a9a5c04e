/** Ways into rooms with history that are taken twice, or fail in the middle. */
import { assert, assertEquals } from "@std/assert";
import { createMemoryHistory } from "@trunkline/hub";
import { test, waitFor } from "../harness.ts";
import { type LaterStore, laterStore } from "../history/later_store.ts";
import { codeOf } from "../hub/wires.ts";
import { hears, startNodes, told } from "./scene.ts";

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

/** From now on pages that come after an offset cannot be read, until what is given back is called. */
function failAfter(history: LaterStore, offset: number): () => void {
  const { onRead } = history;
  history.onRead = (page, options) => {
    if (options.since && options.since[1] >= offset) throw new Error("The store has failed");
    return page;
  };
  return () => void (history.onRead = onRead);
}

test("rooms: two parts of an application may add a client before its welcome", async () => {
  const history = laterStore(createMemoryHistory());
  await using scene = await startNodes(1, () => ({
    history,
    async onConnection(conn) {
      for (let times = 0; times < 2; times++) await scene.nodes[0].hub.room("chat/1").add(conn);
    },
  }));
  const [{ hub, errors }] = scene.nodes;
  const guest = await scene.guest("member");
  await hub.room("chat/1").broadcast("line", { n: 1 });
  await hears(guest, 1);
  await guest.drop();
  await hub.room("chat/1").broadcast("line", { n: 2 });
  await guest.back();
  await told(guest, 1);
  await hub.room("chat/1").broadcast("line", { n: 3 });
  await hears(guest, 3);
  assertEquals([guest.heard, guest.recoveries], [[1, 2, 3], [{ room: "chat/1", recovered: true }]]);
  assertEquals(errors, []);
});

test("rooms: a client that was added before its welcome gets in, although the store fails after it", async () => {
  const history = laterStore(createMemoryHistory());
  await using scene = await startNodes(1, () => ({
    history,
    onConnection: (conn) => scene.nodes[0].hub.room("long/1").add(conn),
  }));
  const [{ hub, errors }] = scene.nodes;
  const guest = await scene.guest("member");
  const room = hub.room("long/1");
  await room.broadcast("line", { n: 1 });
  await hears(guest, 1);
  await guest.drop();
  for (let n = 2; n <= 40; n++) await room.broadcast("line", { n });
  const mend = failAfter(history, 10); // the first page comes, the second does not
  await guest.back();
  await waitFor(() => errors.length > 0, { what: "the report" });
  mend();
  await told(guest, 1);
  await room.broadcast("line", { n: 41 });
  await hears(guest, 41);
  assertEquals([guest.heard, guest.recoveries], [range(1, 41), [{ room: "long/1", recovered: true }]]);
  for (const { error, info } of errors) {
    assertEquals([(error as Error).cause, info.stage], [new Error("The store has failed"), "delivery"]);
  }
});

test("rooms: a client that was removed while the store fails stays out", async () => {
  const history = laterStore(createMemoryHistory());
  await using scene = await startNodes(1, () => ({
    history,
    onConnection: (conn) => scene.nodes[0].hub.room("chat/1").add(conn),
  }));
  const [{ hub, errors }] = scene.nodes;
  const guest = await scene.guest("member");
  const room = hub.room("chat/1");
  await room.broadcast("line", { n: 1 });
  await hears(guest, 1);
  await guest.drop();
  await room.broadcast("line", { n: 2 });
  const mend = failAfter(history, 1);
  await guest.back();
  await waitFor(() => errors.length > 0, { what: "the report" });
  room.remove({ id: guest.client.connectionId! });
  mend();
  await room.add({ id: guest.client.connectionId! }); // anew, from here on
  await room.broadcast("line", { n: 3 });
  await waitFor(() => guest.heard.at(-1) === 3, { what: "what is live" });
  assertEquals([guest.heard, guest.recoveries], [[1, 3], []]);
});

test("rooms: a client that was left out stays left out of messages that are stored only after it is back under another connection", async () => {
  const history = laterStore(createMemoryHistory());
  await using scene = await startNodes(1, () => ({ history }));
  const [{ hub }] = scene.nodes;
  const [guest, other] = [await scene.guest("member"), await scene.guest("member")];
  for (const one of [guest, other]) await one.join("chat/1");
  const room = hub.room("chat/1");
  await room.broadcast("line", { n: 1 });
  await hears(guest, 1);
  history.state = "hangs";
  const late = room.broadcast("line", { n: 2 }, { except: { id: guest.client.connectionId! } });
  history.state = "up";
  await guest.drop();
  await guest.back();
  await told(guest, 1);
  history.release();
  await late;
  await room.broadcast("line", { n: 3 });
  for (const one of [guest, other]) await waitFor(() => one.heard.at(-1) === 3, { what: "the last line" });
  assertEquals([guest.heard, other.heard], [[1, 3], [1, 2, 3]]);
  assertEquals(guest.recoveries, [{ room: "chat/1", recovered: true }]);
});

test("rooms: a client that is added again after a failure in the middle gets no message twice", async () => {
  const history = laterStore(createMemoryHistory());
  await using scene = await startNodes(1, () => ({ history }));
  const [{ hub }] = scene.nodes;
  const room = hub.room("long/1");
  for (let n = 1; n <= 40; n++) await room.broadcast("line", { n });
  const guest = await scene.guest("member");
  const add = () => room.add({ id: guest.client.connectionId! }, { rewind: { last: 40 } });
  const mend = failAfter(history, 10);
  assert(await codeOf(add) !== "no error");
  await waitFor(() => guest.heard.length > 0, { what: "the first page" });
  mend();
  await add();
  await told(guest, 1);
  await room.broadcast("line", { n: 41 });
  await waitFor(() => guest.heard.at(-1) === 41, { what: "what is live" });
  assertEquals([guest.heard, guest.recoveries], [range(1, 41), [{ room: "long/1", recovered: true }]]);
});

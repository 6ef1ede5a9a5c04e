import { assertEquals } from "@std/assert";
import { createHub, defineContract, systemClock } from "@trunkline/hub";
import { connect } from "node:net";
import { runtime, test, waitFor } from "../harness.ts";
import { serve } from "../serve.ts";
import { RecordedEnd, RecordingAcceptor } from "./recording.ts";
import { startWebSocket } from "./start_websocket.ts";

/** A hub whose turns come when the test says so. */
class PatientAcceptor extends RecordingAcceptor {
  readonly turns: (() => void)[] = [];

  waitToOpen(): Promise<void> {
    return new Promise((resolve) => this.turns.push(resolve));
  }
}

test("websocket: links that were admitted open in their turn, and carry messages then", async () => {
  const acceptor = new PatientAcceptor();
  const { client, url, close } = startWebSocket(acceptor);
  try {
    const ends = [1, 2, 3].map(() => new RecordedEnd());
    for (const end of ends) client.connect(url, ["test.v1"], end);
    await waitFor(() => acceptor.turns.length === 3, { what: "three waiting clients" });
    assertEquals([acceptor.admitted.length, acceptor.ends.length], [3, 0]);
    acceptor.turns[1]!();
    await waitFor(() => acceptor.ends.length === 1, { what: "the one whose turn it is" });
    acceptor.turns[0]!();
    acceptor.turns[2]!();
    await waitFor(() => acceptor.ends.length === 3 && ends.every(({ link }) => link), { what: "the others" });
    for (const { link } of ends) link!.send("hello");
    await waitFor(() => acceptor.ends.every(({ frames }) => frames.length === 1), { what: "what they say" });
    assertEquals(acceptor.withdrawn, []);
    for (const { link } of ends) link!.close(1000, "");
    await waitFor(() => acceptor.ends.every(({ closings }) => closings.length > 0), {
      what: "them to be gone",
    });
  } finally {
    await close();
  }
});

test("websocket: of many links that come at once a hub opens few in one turn of the event loop, and all in the end", async () => {
  const ends: (() => void)[] = [];
  let asked = 0;
  const hub = createHub(defineContract({ roles: { member: {} } }), {
    authenticate: () => ({ role: "member" }),
    clock: { ...systemClock, endOfTurn: (callback) => void ends.push(callback) },
    address: (_, address) => {
      asked++;
      return address;
    },
  });
  await hub.ready;
  const { port, close } = serve({
    fetch: (request, platform) => hub.routes.fetch(request, platform as never),
    websocket: hub.websocket,
  });
  const sockets = Array.from(
    { length: 40 },
    () => new WebSocket(`ws://127.0.0.1:${port}/`, ["trunkline.v1.json"]),
  );
  try {
    const open = () => sockets.filter(({ readyState }) => readyState === WebSocket.OPEN).length;
    await waitFor(() => asked >= 40 && open() === 16, {
      what: "all to be admitted, and the first to be open",
    });
    await waitFor(() => {
      for (const end of ends.splice(0)) end();
      return open() === 40;
    }, { what: "all to be open" });
  } finally {
    for (const socket of sockets) socket.close();
    const closed = hub.close();
    await waitFor(() => {
      for (const end of ends.splice(0)) end();
      return sockets.every(({ readyState }) => readyState === WebSocket.CLOSED);
    }, { what: "all to be closed" });
    await closed;
    await close();
  }
});

async function leavesBeforeItsTurn(): Promise<void> {
  const acceptor = new PatientAcceptor();
  const { port, close } = startWebSocket(acceptor);
  try {
    const socket = connect(port, "127.0.0.1", () =>
      socket.write(
        "GET / HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: test.v1\r\n\r\n",
      ));
    await waitFor(() => acceptor.turns.length === 1, { what: "the request" });
    const { signal } = acceptor.admitted[0]!.request as Request;
    socket.destroy();
    await waitFor(() => signal.aborted, { what: "the server to notice" });
    acceptor.turns[0]!();
    await waitFor(() => acceptor.withdrawn.length === 1, { what: "its place" });
    assertEquals([acceptor.withdrawn, acceptor.ends.length, acceptor.reports], [acceptor.admitted, 0, []]);
  } finally {
    await close();
  }
}

const LEAVES = "websocket: a client that is gone before its turn gives its place to others";
if (runtime === "bun") test(LEAVES, leavesBeforeItsTurn);
else test.skip(LEAVES, "Deno tells nobody that a client that waits for its upgrade is gone");

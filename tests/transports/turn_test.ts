import { assert, assertEquals } from "@std/assert";
import { systemClock } from "../../contract/mod.ts";
import { test, waitFor } from "../harness.ts";
import type { BurstOrder } from "./burst_worker.ts";
import { RecordingAcceptor } from "./recording.ts";
import { startWebSocket } from "./start_websocket.ts";

const CLIENTS = 12;

/** A turn's share of frames on Deno, and a little. */
const MOST_IN_A_TURN = 2_500;

/** Starts the worker that has the clients. */
async function startBurst(port: number) {
  const worker = new Worker(new URL("./burst_worker.ts", import.meta.url), { type: "module" });
  const order = (what: BurstOrder) => worker.postMessage(what);
  const answer = () => new Promise((resolve) => worker.onmessage = resolve);
  order({ open: CLIENTS, port });
  await answer();
  return {
    /** Stands still until all clients have sent a frame. */
    burst() {
      const wrote = new Int32Array(new SharedArrayBuffer(4));
      order({ wrote });
      assert(Atomics.wait(wrote, 0, 0, 5_000) !== "timed-out", "the clients did not send");
    },
    /** Stands still until one client has said very much, or the kernel takes no more. */
    flood(flood: number, size: number) {
      const wrote = new Int32Array(new SharedArrayBuffer(4));
      order({ flood, size, wrote });
      Atomics.wait(wrote, 0, 0, 1_000);
    },
    async close() {
      order("close");
      await answer();
      worker.terminate();
    },
  };
}

test("websocket: a turn ends after all frames that were there when it began, and before a timer", async () => {
  const acceptor = new RecordingAcceptor();
  const { port, close } = startWebSocket(acceptor);
  const clients = await startBurst(port);
  await waitFor(() => acceptor.ends.length === CLIENTS);
  const ends: number[] = [];
  // A socket may say that it has sent when its frame is not in the kernel yet, so one burst may come in two turns. On a
  // busy machine most do.
  while (ends.at(-1) !== CLIENTS && ends.length < 2_000) {
    const log: string[] = [];
    let heard = 0;
    for (const end of acceptor.ends) {
      end.onFrame = () => {
        if (++heard > 1) return;
        setTimeout(() => log.push("timer"));
        systemClock.endOfTurn(() => {
          log.push("end");
          ends.push(heard);
        });
      };
    }
    clients.burst();
    await waitFor(() => log.length === 2 && heard === CLIENTS);
    assertEquals(log, ["end", "timer"]);
  }
  assertEquals(ends.at(-1), CLIENTS);
  await clients.close();
  await close();
});

/** One client says very much, the others a word each; tells how many frames the fullest turn has heard. */
async function flood(): Promise<number> {
  const acceptor = new RecordingAcceptor();
  const { port, close } = startWebSocket(acceptor);
  const clients = await startBurst(port);
  await waitFor(() => acceptor.ends.length === CLIENTS);
  const frames = 6_000;
  let [inTurn, most] = [0, 0];
  for (const end of acceptor.ends) {
    end.onFrame = () => {
      if (inTurn === 0) systemClock.endOfTurn(() => inTurn = 0);
      most = Math.max(most, ++inTurn);
    };
  }
  clients.flood(frames, 400);
  const flooder = await waitFor(() => acceptor.ends.find(({ closings }) => closings.length > 0), {
    what: "the goodbye",
  });
  assertEquals(flooder.closings, [{ code: 1000, reason: "" }]);
  assertEquals(
    flooder.frames.map((frame) => parseInt(frame as string)),
    Array.from({ length: frames }, (_, i) => i),
  );
  await waitFor(() => acceptor.ends.every((end) => end === flooder || end.frames.length === 1));
  await clients.close();
  await close();
  return most;
}

test("websocket: a client that sends very much at once is read in order, to the end, before its goodbye, and so are others", async () => {
  await flood();
});

const ONE_TURN =
  "websocket: a client that sends very much at once is read in several turns, so that others get messages meanwhile";
if ("Deno" in globalThis) {
  test(ONE_TURN, async () => {
    const most = await flood();
    assert(most <= MOST_IN_A_TURN, `a turn heard ${most} frames`);
  });
} else test.skip(ONE_TURN, "Bun sends at once, whatever else there is to read");

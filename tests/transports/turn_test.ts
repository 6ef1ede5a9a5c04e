import { assert, assertEquals } from "@std/assert";
import { test, waitFor } from "../harness.ts";
import type { BurstOrder } from "./burst_worker.ts";
import { RecordingAcceptor } from "./recording.ts";
import { startWebSocket } from "./start_websocket.ts";

const CLIENTS = 12;

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
    async close() {
      order("close");
      await answer();
      worker.terminate();
    },
  };
}

test("websocket: a turn ends after all frames that were there when it began, and before a timer", async () => {
  const acceptor = new RecordingAcceptor();
  const { transport, port, close } = startWebSocket(acceptor);
  const clients = await startBurst(port);
  await waitFor(() => acceptor.ends.length === CLIENTS);
  const ends: number[] = [];
  // A socket may say that it has sent when its frame is not in the kernel yet, so one burst may come in two turns.
  while (ends.at(-1) !== CLIENTS && ends.length < 50) {
    const log: string[] = [];
    let heard = 0;
    for (const end of acceptor.ends) {
      end.onFrame = () => {
        if (++heard > 1) return;
        setTimeout(() => log.push("timer"));
        transport.endOfTurn(() => {
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

import { assert, assertEquals } from "@std/assert";
import { createHub, createMemoryHistory, defineContract } from "@trunkline/hub";
import { z } from "zod";
import { test, waitFor } from "../harness.ts";
import { turn } from "../hub/wires.ts";
import { Random } from "../load/random.ts";
import { laterStore } from "./later_store.ts";
import { slowLinks } from "./slow_links.ts";

const SIZE = 3_000;
const CLIENTS = 2_000;
const POSITIONS = 40;

for (const ttlMs of [undefined, 60_000]) {
  test(`resume: 2,000 clients at 40 positions cost the store a handful of reads (ttlMs: ${ttlMs})`, async () => {
    const contract = defineContract({
      shared: { topics: { log: { payload: z.number(), history: { size: SIZE, ttlMs } } } },
      roles: { member: {} },
    });
    const history = laterStore(createMemoryHistory());
    const links = slowLinks();
    const errors: unknown[] = [];
    await using hub = createHub(contract, {
      authenticate: ({ role }) => ({ role }),
      transports: [links],
      history,
      limits: { maxHandshakes: CLIENTS },
      onError: (error) => errors.push(error),
    });
    await hub.ready;
    let epoch = "";
    for (let n = 1; n <= SIZE; n++) epoch = (await hub.publish("log", n)).epoch;
    const clients = Array.from({ length: CLIENTS }, () => links.connect());
    await waitFor(() => clients.every(({ heard }) => heard.length > 0), { what: "the welcomes" });
    const random = new Random(7);
    const positions = Array.from({ length: POSITIONS }, () => SIZE - 500 + random.below(500));
    const before = history.reads;
    clients.forEach((client, i) =>
      client.say(["sub", 1, "log", { since: [epoch, positions[i % POSITIONS]] }])
    );
    const answered = (heard: readonly (readonly unknown[])[]) =>
      heard.find(([kind]) => kind === "res" || kind === "err");
    while (!clients.every(({ heard }) => answered(heard))) {
      for (const client of clients) client.read(Infinity);
      await turn();
    }
    clients.forEach(({ heard }, i) => {
      const since = positions[i % POSITIONS]!;
      const offsets = heard.filter(([kind]) => kind === "rec").map(([, , offset]) => offset);
      assertEquals(offsets, Array.from({ length: SIZE - since }, (_, k) => since + 1 + k), `client ${i}`);
      assertEquals(answered(heard), ["res", 1, { position: [epoch, SIZE], recovered: true }]);
    });
    assert(history.reads - before <= 8, `${history.reads - before} reads`);
    assertEquals(errors, []);
  });
}

import { assertEquals } from "@std/assert";
import type { HubError, Subscription } from "../../client/mod.ts";
import { test } from "../harness.ts";
import { connecting, opened, reopened, type Rig, turn } from "./setup.ts";

/** Looks whether a client that was closed has really ended: no timer, no further link, and no way back. */
async function assertEnded({ client, clock, server, statuses }: Rig, links: number): Promise<void> {
  await turn();
  assertEquals(clock.pending, 0);
  clock.advance(1_000);
  await turn();
  if (server.links.length > links) server.link.welcome();
  assertEquals([client.status, server.links.length], ["closed", links]);
  assertEquals(statuses.at(-1)![0], "closed");
  assertEquals(await client.closed, undefined);
}

test("a handler that closes the client because its link was lost has the last word", async () => {
  for (const lose of [(rig: Rig) => rig.server.link.close(), (rig: Rig) => rig.clock.advance(500)]) {
    const rig = await opened();
    rig.client.implement({
      confirm: (_question, { signal }) =>
        new Promise((resolve) =>
          signal.addEventListener("abort", () => {
            rig.client.close();
            resolve({ yes: false });
          })
        ),
    });
    rig.server.link.say(["req", 1, "confirm", { text: "sure?" }], ["move", 1_000]);
    await turn();
    lose(rig); // by the link's end, and by the move
    await assertEnded(rig, 1);
  }
});

test("a url function that closes the client opens no link any more", async () => {
  let asked = 0;
  const rig: Rig = await connecting({
    url: () => {
      if (++asked === 2) rig.client.close();
      return "ws://hub.test/realtime";
    },
  });
  rig.server.link.welcome();
  rig.server.link.close();
  rig.clock.advance(500);
  await assertEnded(rig, 1);
  assertEquals(asked, 2);
});

test("an error handler that unsubscribes from a topic that failed for now is not subscribed again later", async () => {
  const errors: unknown[] = [];
  const rig = await opened({
    onError: (error) => {
      errors.push((error as HubError).code);
      sub.unsubscribe();
    },
  });
  const sub: Subscription = rig.client.subscribe("stats", () => {});
  await turn();
  rig.server.link.accept("stats");
  await reopened(rig);
  const timers = rig.clock.pending;
  rig.server.link.say(["err", rig.server.link.subId("stats"), { code: "UNAVAILABLE", message: "Not now" }]);
  assertEquals([sub.status, errors, rig.clock.pending], ["ended", ["UNAVAILABLE"], timers - 1]);
  rig.clock.advance(1_000);
  await turn();
  assertEquals(rig.server.link.sent("sub").length, 1);
  await rig.client.close();
});

test("an error handler that closes the client while topics are subscribed again leaves no timer", async () => {
  const rig: Rig = await connecting({ onError: () => rig.client.close() });
  rig.client.subscribe("ticker/\ud800", () => {}); // half a surrogate pair: it cannot be sent
  rig.client.subscribe("stats", () => {});
  rig.server.link.welcome();
  await assertEnded(rig, 1);
});

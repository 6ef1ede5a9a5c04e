import { assertEquals } from "@std/assert";
import { test } from "../harness.ts";
import { opened, rejection, retried, type Rig, settled, turn } from "./setup.ts";

/** A client whose hub remembers requests. */
const remembered = (options?: Parameters<typeof opened>[0]) => opened(options, { once: "m1" });

/** Breaks the link, and opens the next one, to a hub that remembers or not. */
async function elsewhere(rig: Rig, once: string | undefined): Promise<void> {
  rig.server.link.close();
  await retried(rig);
  rig.server.link.welcome({ once });
  await turn();
}

test("a request with an id is marked as such, and one to a hub without support for ids is refused and not sent", async () => {
  const { client, server } = await remembered();
  const answer = client.request("say", { text: "hi" }, { id: "order 7" });
  await turn();
  assertEquals(server.link.frames.at(-1), [["once", 1, "say", "order 7", { text: "hi" }]]);
  server.link.say(["res", 1, { id: "7" }]);
  assertEquals(await answer, { id: 7 });
  await client.close();
  const old = await opened();
  const error = await rejection(old.client.request("say", { text: "hi" }, { id: "order 7" }));
  await turn();
  assertEquals([error.code, old.server.link.messages.length], ["UNAVAILABLE", 1]);
  await old.client.close();
});

test("a request with an id is sent again as it was when its connection is lost, with the patience that is left", async () => {
  const rig = await remembered();
  const { client, server, clock } = rig;
  const input = { text: "hi" };
  const answer = client.request("say", input, { id: "order 7", timeoutMs: 5_000 });
  input.text = "changed";
  const plain = rejection(client.request("say", { text: "plain" }));
  await turn();
  clock.advance(1_000);
  await elsewhere(rig, "m1");
  assertEquals((await plain).code, "DISCONNECTED");
  assertEquals(server.link.frames.at(-1), [["once", 3, "say", "order 7", { text: "hi" }]]);
  clock.advance(3_000);
  assertEquals(await settled(answer), false);
  clock.advance(1_000);
  const { code, message } = await rejection(answer);
  assertEquals([code, message], ["TIMEOUT", 'No answer to "say" within 5000 ms']); // as long as was asked for, in all
  await client.close();
});

test("a request with an id is not sent again to a hub that remembers something else, or nothing, nor with `offline: fail`", async () => {
  for (const once of ["m2", undefined]) {
    const rig = await remembered();
    const answer = rejection(rig.client.request("say", { text: "hi" }, { id: "order 7" }));
    await turn();
    await elsewhere(rig, once);
    assertEquals([(await answer).code, rig.server.link.messages.length], ["DISCONNECTED", 1]);
    await rig.client.close();
  }
  const { client, server } = await remembered({ offline: "fail" });
  const answer = rejection(client.request("say", { text: "hi" }, { id: "order 7" }));
  await turn();
  server.link.close();
  assertEquals((await answer).code, "DISCONNECTED");
  await client.close();
});

test("a request with an id ends with its client, with its signal, and with an error of the handler", async () => {
  const { client, server, clock } = await remembered();
  const before = clock.pending;
  const aborter = new AbortController();
  const taken = client.request("say", { text: "hi" }, { id: "a", signal: aborter.signal }).catch((e) => e);
  const failed = rejection(client.request("say", { text: "hi" }, { id: "b" }));
  const left = rejection(client.request("say", { text: "hi" }, { id: "c" }));
  await turn();
  aborter.abort("enough");
  server.link.say(["err", 2, { code: "DISCONNECTED", message: "The handler's own" }]);
  assertEquals([await taken, (await failed).message], ["enough", "The handler's own"]);
  await turn();
  assertEquals([server.link.messages.at(-1), clock.pending], [["cancel", 1], before + 1]);
  await client.close();
  assertEquals((await left).code, "DISCONNECTED");
});

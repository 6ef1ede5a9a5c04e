import { assertEquals } from "@std/assert";
import { MAX_WAITING } from "../../client/topics/iteration.ts";
import { test } from "../harness.ts";
import { opened, rejection, reopened, type Rig, settled, turn } from "./setup.ts";

/** A client that is subscribed to `stats`, and loops over it. */
async function looping(): Promise<Rig & { readonly loop: AsyncIterator<{ n: number }> }> {
  const rig = await opened();
  const loop = rig.client.topic("stats")[Symbol.asyncIterator]();
  await turn();
  rig.server.link.accept("stats");
  await turn();
  return Object.assign(rig, { loop });
}

/** Publishes numbers. */
const publish = ({ server }: Rig, ...numbers: unknown[]) =>
  server.link.say(...numbers.map((n): ["pub", string, unknown] => ["pub", "stats", { n }]));

test("for await: gives published messages, parsed, in order, and unsubscribes when the loop is left", async () => {
  const rig = await opened();
  const { client, server } = rig;
  const heard: number[] = [];
  const done = (async () => {
    for await (const { n } of client.topic("stats")) {
      heard.push(n);
      if (n === 3) break;
    }
  })();
  await turn();
  server.link.accept("stats");
  publish(rig, 1, "2");
  await turn();
  assertEquals(heard, [1, 2]);
  publish(rig, 3, 4);
  await done;
  assertEquals(heard, [1, 2, 3]);
  await turn();
  assertEquals(server.link.sent("unsub").length, 1);
  await client.close();
});

test("for await: messages wait while the loop is busy, also for several callers at once", async () => {
  const { loop, client, ...rig } = await looping();
  publish(rig as Rig, 1, 2, 3);
  assertEquals(await loop.next(), { done: false, value: { n: 1 } });
  const asked = [loop.next(), loop.next(), loop.next()];
  assertEquals(await settled(asked[2]!), false);
  publish(rig as Rig, 4);
  assertEquals((await Promise.all(asked)).map(({ value }) => value.n), [2, 3, 4]);
  await client.close();
});

test("for await: goes on after a reconnect", async () => {
  const rig = await looping();
  await reopened(rig);
  rig.server.link.accept("stats");
  publish(rig, 5);
  assertEquals((await rig.loop.next()).value, { n: 5 });
  await rig.client.close();
});

test("for await: received messages are given before the end; a closed client ends the loop", async () => {
  const rig = await looping();
  publish(rig, 1);
  await rig.client.close();
  assertEquals(await rig.loop.next(), { done: false, value: { n: 1 } });
  assertEquals(await rig.loop.next(), { done: true, value: undefined });
  assertEquals(await rig.loop.next(), { done: true, value: undefined });
});

test("for await: a refusal is thrown, once, and reported nowhere else", async () => {
  const { client, server, errors } = await opened();
  const loop = client.topic("stats")[Symbol.asyncIterator]();
  const asked = [loop.next(), loop.next()] as const;
  const refused = rejection(asked[0]);
  await turn();
  server.link.say(["err", server.link.subId("stats"), { code: "FORBIDDEN", message: "No" }]);
  assertEquals((await refused).code, "FORBIDDEN");
  assertEquals((await asked[1]).done, true);
  assertEquals((await loop.next()).done, true);
  assertEquals(errors, []);
  await client.close();
});

test("for await: a loop that is far too slow is told, after the waiting messages, and holds no more", async () => {
  const rig = await looping();
  publish(rig, ...Array.from({ length: MAX_WAITING + 1 }, (_, n) => n));
  for (let n = 0; n < MAX_WAITING; n++) assertEquals((await rig.loop.next()).value, { n });
  const error = await rejection(rig.loop.next());
  assertEquals(error.code, "UNAVAILABLE");
  assertEquals((await rig.loop.next()).done, true);
  await turn();
  assertEquals(rig.server.link.sent("unsub").length, 1);
  await rig.client.close();
});

test("for await: a waiting caller is released when the loop is ended from outside", async () => {
  const rig = await looping();
  const asked = rig.loop.next();
  assertEquals(await rig.loop.return!(), { done: true, value: undefined });
  assertEquals(await asked, { done: true, value: undefined });
  publish(rig, 1);
  assertEquals((await rig.loop.next()).done, true);
  await rig.client.close();
});

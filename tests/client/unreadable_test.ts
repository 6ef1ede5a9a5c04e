import { assertEquals } from "@std/assert";
import type { HubError } from "../../client/mod.ts";
import { test } from "../harness.ts";
import { connecting, opened, rejection, reopened, turn } from "./setup.ts";

const TOPIC = "ticker/ACME";
/** A payload that may not travel, as a server of another make may write it. */
const BAD = '{"n":1,"__proto__":{}}';

/** A client that follows a topic with history, which stands at offset 5. */
async function live() {
  const rig = await opened();
  const heard: (number | undefined)[] = [];
  const recoveries: boolean[] = [];
  const sub = rig.client.subscribe(TOPIC, (_, { offset }) => void heard.push(offset), {
    onRecovery: ({ recovered }) => void recoveries.push(recovered),
  });
  await turn();
  rig.server.link.accept(TOPIC, { position: ["e1", 5], recovered: false });
  await sub.ready;
  return { ...rig, heard, recoveries };
}

test("a message that cannot be read is skipped: the link stays, the others of its frame arrive", async () => {
  const { client, server, errors, statuses } = await opened();
  const heard: string[] = [];
  client.on("message", ({ text }) => void heard.push(text));
  server.link.sayRaw(`[["ev","message",{"text":"a"}],["ev","message",${BAD}],["ev","message",{"text":"b"}]]`);
  assertEquals(heard, ["A", "B"]);
  assertEquals(errors.map(({ info }) => info), [{ stage: "event", name: "message" }]);
  assertEquals([server.links.length, client.status, statuses.at(-1)![0]], [1, "open", "open"]);
  await client.close();
});

test("a server that keeps sending unreadable messages is reported from time to time, with their number", async () => {
  const { client, server, clock, errors } = await opened();
  for (let i = 0; i < 50; i++) server.link.sayRaw(`[["ev","message",${BAD}],["pub","stats",${BAD}]]`);
  assertEquals(errors.map(({ info }) => info), [
    { stage: "event", name: "message" },
    { stage: "topic", name: "stats" },
  ]);
  clock.advance(10_000);
  server.link.sayRaw(`[["ev","message",${BAD}]]`);
  assertEquals(errors.length, 3);
  assertEquals((errors[2]!.error as HubError).message.includes("and 49 more"), true);
  await client.close();
});

test("an unreadable live message of a history is skipped, and listeners learn that one is missing", async () => {
  const { client, server, heard, recoveries, errors } = await live();
  server.link.sayRaw(
    `[["rec","${TOPIC}",6,{"n":6}],["rec","${TOPIC}",7,${BAD}],["rec","${TOPIC}",8,{"n":8}]]`,
  );
  assertEquals([heard, recoveries], [[6, 8], [false]]);
  assertEquals(errors.map(({ info }) => info), [{ stage: "topic", name: TOPIC }]);
  assertEquals(server.link.sent("unsub"), []);
  await client.close();
});

test("a recovery that holds a message that cannot be read goes on to its end, and is not called complete", async () => {
  const rig = await live();
  await reopened(rig);
  const answer = (at: number) =>
    `["res",${rig.server.link.subId(TOPIC)},{"position":["e1",${at}],"recovered":true}]`;
  rig.server.link.sayRaw(`[["rec","${TOPIC}",6,${BAD}],["rec","${TOPIC}",7,{"n":7}],${answer(7)}]`);
  assertEquals([rig.heard, rig.recoveries], [[7], [false]]);
  await reopened(rig); // it does not come again, and the next recovery is complete
  assertEquals(rig.server.link.sent("sub").at(-1)?.[3], { since: ["e1", 7] });
  rig.server.link.sayRaw(`[["rec","${TOPIC}",8,{"n":8}],${answer(8)}]`);
  assertEquals([rig.heard, rig.recoveries, rig.client.status], [[7, 8], [false, true], "open"]);
  await rig.client.close();
});

test("a link that is lost after a skipped message does not make the next recovery complete", async () => {
  const rig = await live();
  await reopened(rig);
  rig.server.link.sayRaw(`[["rec","${TOPIC}",6,${BAD}]]`);
  await reopened(rig);
  const id = rig.server.link.subId(TOPIC);
  rig.server.link.sayRaw(
    `[["rec","${TOPIC}",7,{"n":7}],["res",${id},{"position":["e1",7],"recovered":true}]]`,
  );
  assertEquals([rig.heard, rig.recoveries], [[7], [false]]);
  await rig.client.close();
});

test("a message of a history that does not fit the contract is missing as well", async () => {
  const rig = await live();
  rig.server.link.say(["rec", TOPIC, 6, { n: "six" }], ["rec", TOPIC, 7, { n: 7 }]);
  assertEquals([rig.heard, rig.recoveries], [[7], [false]]);
  await rig.client.close();
});

test("an unreadable answer fails its request, and an unreadable request gets an error", async () => {
  const { client, server } = await opened();
  const [first, second] = [client.request("say", { text: "a" }), client.request("say", { text: "b" })];
  const failures = Promise.all([rejection(first), rejection(second)]);
  await turn();
  server.link.sayRaw(`[["res",1,${BAD}],["err",2,{"code":"A","message":"b","data":${BAD}}]]`);
  assertEquals((await failures).map(({ code }) => code), ["BAD_REQUEST", "BAD_REQUEST"]);
  server.link.sayRaw(`[["req",1,"confirm",${BAD}]]`);
  await turn();
  assertEquals(server.link.sent("err").map(([, id, { code }]) => [id, code]), [[1, "BAD_REQUEST"]]);
  assertEquals(client.status, "open");
  await client.close();
});

test("a subscription that ends with an error that cannot be read has ended", async () => {
  const { client, server } = await opened();
  const sub = client.subscribe("stats", () => {});
  await turn();
  server.link.accept("stats");
  await sub.ready;
  server.link.sayRaw(`[["end","stats",{"code":"A","message":"b","data":${BAD}}]]`);
  assertEquals([(await sub.closed)?.code, client.status], ["BAD_REQUEST", "open"]);
  await client.close();
});

test("a token that cannot be sent ends the client, with the reason", async () => {
  const { client, server } = await connecting({ token: "half \ud800" });
  server.link.open();
  const error = await rejection(client.ready);
  assertEquals([error.code, server.links.length, client.status], ["BAD_REQUEST", 1, "closed"]);
});

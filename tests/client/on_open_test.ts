import { assertEquals } from "@std/assert";
import { HubError } from "@trunkline/hub/client";
import { test } from "../harness.ts";
import { connecting, opened, reopened, turn } from "./setup.ts";

test("onOpen runs on every connection, before the queued messages and after the topics", async () => {
  const rig = await connecting();
  const { client, server } = rig;
  client.signal("typing", { room: "waited" });
  client.subscribe("stats", () => {});
  client.onOpen(() => client.signal("typing", { room: "joined" }));
  server.link.welcome();
  await turn();
  const said = () =>
    rig.server.link.messages.slice(1).map(([kind, ...rest]) => kind === "sig" ? rest[1] : kind);
  assertEquals(said(), ["sub", { room: "joined" }, { room: "waited" }]);
  server.link.close();
  client.signal("typing", { room: "waited" });
  server.link.close();
  await reopened(rig);
  assertEquals(said(), ["sub", { room: "joined" }, { room: "waited" }]);
  await client.close();
});

test("on an open client onOpen is called at once; it may leave, throw, take others off and close the client", async () => {
  const rig = await opened();
  const { client, errors } = rig;
  const heard: string[] = [];
  const failures = [new Error("sync"), new Error("async")];
  client.onOpen(() => {
    throw failures[0];
  });
  client.onOpen(() => Promise.reject(failures[1]));
  const same = () => void heard.push("same");
  const off = client.onOpen(same);
  client.onOpen(same);
  await turn();
  assertEquals(heard.splice(0), ["same", "same"]);
  assertEquals(
    errors.splice(0).map(({ error, info }) => [error, info]),
    failures.map((error) => [
      error,
      { stage: "open" },
    ]),
  );
  off();
  client.onOpen(() => {
    heard.push("closes");
    if (rig.server.links.length === 2) void client.close();
  });
  client.onOpen(() => void heard.push("last"));
  assertEquals(heard.splice(0), ["closes", "last"]);
  await reopened(rig);
  assertEquals([heard, client.status], [["same", "closes"], "closed"]);
});

test("other messages wait until the requests of onOpen are answered, in order", async () => {
  const rig = await connecting();
  const { client, server } = rig;
  const asked: Promise<unknown>[] = [];
  client.signal("typing", { room: "1" });
  client.onOpen(() =>
    Promise.all([client.request("slow", { n: 1 }), client.request("say", { text: "join" })])
  );
  server.link.welcome();
  client.signal("typing", { room: "2" });
  asked.push(client.request("say", { text: "3" }));
  await turn();
  const said = () => server.link.messages.slice(1).map(([, ...rest]) => rest.at(-1));
  assertEquals(said(), [{ text: "join" }, { n: 1 }]);
  server.link.say(["res", 1, { id: 1 }]);
  await turn();
  assertEquals(said().length, 2);
  server.link.say(["err", 2, { code: "FORBIDDEN", message: "No" }]);
  await turn();
  client.signal("typing", { room: "4" });
  await turn();
  assertEquals(said().slice(2), [{ room: "1" }, { room: "2" }, { text: "3" }, { room: "4" }]);
  assertEquals(rig.errors.map(({ info }) => info.stage), ["open"]);
  server.link.say(["res", 3, { id: 1 }]);
  await Promise.all(asked);
  await client.close();
});

test("an onOpen of several steps, one that never ends and one without an answer delay the other messages only for a limited time", async () => {
  for (const answered of [true, false]) {
    const { client, server, clock, errors } = await connecting();
    client.onOpen(async () => {
      await client.request("say", { text: "first" });
      await client.request("say", { text: "second" });
      await new Promise(() => {});
    });
    client.signal("typing", { room: "waits" });
    server.link.welcome();
    await turn();
    assertEquals(server.link.messages.length, 2);
    if (answered) server.link.say(["res", 1, { id: 1 }]);
    else clock.advance(10_000);
    await turn();
    const kinds = server.link.messages.slice(2).map(([kind]) => kind);
    assertEquals(kinds.filter((kind) => kind !== "cancel").toSorted(), answered ? ["req", "sig"] : ["sig"]);
    assertEquals(errors.map(({ info }) => info.stage), answered ? [] : ["open"]);
    await client.close();
  }
});

test("a link that is lost while onOpen waits for its answer starts onOpen again on the next one", async () => {
  const rig = await opened();
  const { client } = rig;
  client.onOpen(() => client.request("say", { text: "join" }));
  client.signal("typing", { room: "waits" });
  await turn();
  assertEquals(rig.server.link.sent("sig").length, 0);
  await reopened(rig);
  assertEquals([rig.server.link.sent("req").length, rig.server.link.sent("sig").length], [1, 0]);
  rig.server.link.say(["res", rig.server.link.sent("req")[0]![1], { id: 1 }]);
  await turn();
  assertEquals(rig.server.link.sent("sig").length, 1);
  assertEquals(rig.errors.map(({ info }) => info.stage), ["open"]); // of the first link
  await client.close();
});

test("where nothing may wait, nothing is held", async () => {
  const { client, server } = await opened({ offline: "fail" });
  client.onOpen(() => client.request("say", { text: "join" }));
  client.signal("typing", { room: "now" });
  await turn();
  assertEquals(server.link.sent("sig").length, 1);
  await client.close();
});

test("an onOpen that fails because the broker or the store is away is called again over the same link, until it succeeds", async () => {
  for (const code of ["UNAVAILABLE", "TIMEOUT"]) {
    const rig = await opened();
    const { client, clock, errors } = rig;
    let done = 0;
    const off = client.onOpen(() => client.request("say", { text: "join" }).then(() => void done++));
    const asked = () => rig.server.link.sent("req").length;
    const signals = async () => {
      client.signal("typing", { room: "held by nobody" });
      await turn();
      return rig.server.link.sent("sig").length;
    };
    const id = () => rig.server.link.sent("req").at(-1)![1] as number;
    const refuse = async () => {
      rig.server.link.say(["err", id(), { code, message: "the backplane is away" }]);
      await turn();
    };
    await turn();
    await refuse();
    assertEquals([asked(), errors.map(({ info }) => info.stage)], [1, ["open"]]);
    assertEquals(await signals(), 1);
    for (let times = 2; times < 4; times++) {
      clock.advance(3_000);
      await turn();
      assertEquals(asked(), times);
      assertEquals(await signals(), times);
      if (times < 3) await refuse();
    }
    rig.server.link.say(["res", id(), { id: 1 }]);
    await turn();
    clock.advance(3_000);
    await turn();
    assertEquals([asked(), done, errors.length], [3, 1, 2]);

    await reopened(rig); // on the next link it is asked once, and a wait on the link before has ended with that
    await refuse();
    await reopened(rig);
    await refuse();
    off();
    clock.advance(3_000);
    await turn();
    assertEquals([asked(), done], [1, 1]);
    await client.close();
    assertEquals(clock.pending, 0);
  }
});

test("an onOpen that is refused, or fails when its link is lost, is not called again over that link", async () => {
  const rig = await opened();
  const { client, clock, errors } = rig;
  client.onOpen(() => client.request("say", { text: "join" }));
  await turn();
  rig.server.link.say(["err", 1, { code: "FORBIDDEN", message: "no" }]);
  await turn();
  clock.advance(3_000);
  await turn();
  assertEquals([rig.server.link.sent("req").length, errors.map(({ info }) => info.stage)], [1, ["open"]]);
  let fail = (_: Error) => {};
  client.onOpen(() => new Promise((_, reject) => fail = reject));
  const late = fail;
  await reopened(rig);
  late(new HubError("UNAVAILABLE", "late"));
  await turn();
  const before = rig.server.link.sent("req").length;
  const still = fail;
  clock.advance(3_000);
  await turn();
  assertEquals([rig.server.link.sent("req").length, fail === still], [before, true]);
  await client.close();
});

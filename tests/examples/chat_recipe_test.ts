import { assertEquals } from "@std/assert";
import { createClient } from "@trunkline/hub/client";
import { createMemoryAdapter, createMemoryBus, createMemoryHistory } from "@trunkline/hub";
import { presence } from "@trunkline/hub/client/presence";
import { createLoopbackTransport } from "@trunkline/hub/transports/loopback";
import { chat } from "../../examples/recipes/chat/contract.ts";
import { createChat } from "../../examples/recipes/chat/hub.ts";
import { rejection } from "../client/setup.ts";
import { test } from "../harness.ts";

const AT_ONCE = { baseMs: 1, maxMs: 1 };

/** Two nodes of the chat. */
async function startCluster() {
  const bus = createMemoryBus();
  const history = createMemoryHistory();
  const links = [createLoopbackTransport(), createLoopbackTransport()] as const;
  const hubs = links.map((link) =>
    createChat({ adapter: Object.assign(createMemoryAdapter({ bus }), { history }), transports: [link] })
  );
  await Promise.all(hubs.map((hub) => hub.ready));
  return {
    /** Connects somebody to one of them. */
    connect<Role extends "member" | "admin">(name: string, role: Role, node: 0 | 1) {
      return createClient(chat, {
        url: "ws://loopback",
        role,
        token: `token of ${name}`,
        transport: links[node].client(),
        reconnect: AT_ONCE,
        onError() {},
      });
    },
    hubs,
    async [Symbol.asyncDispose]() {
      for (const hub of hubs) await hub.close();
    },
  };
}

test("chat: a kick and a ban reach a member on another node, and presence shows it", async () => {
  await using cluster = await startCluster();
  await using ann = cluster.connect("ann", "admin", 0);
  await using bob = cluster.connect("bob", "member", 1);
  const place = { room: "kitchen" };
  for (const client of [ann, bob]) await client.request("join", place);
  await using people = presence(ann, "room/kitchen");
  const came = new Promise<void>((resolve) => {
    const look = () => people.list().some(({ id }) => id === "bob") && resolve();
    for (const event of ["sync", "join"] as const) people.on(event, look);
  });
  await came;
  const gone = new Promise<string>((resolve) => people.on("leave", ({ id }) => resolve(id)));
  const removed = bob.once("removed");
  await ann.request("kick", { ...place, user: "bob" });
  assertEquals(await removed, { room: "kitchen", by: "ann", banned: false });
  assertEquals(await gone, "bob");
  assertEquals((await rejection(bob.request("say", { ...place, text: "?" }))).code, "FORBIDDEN");
  await bob.request("join", place);
  await ann.request("ban", { ...place, user: "bob" });
  assertEquals((await rejection(bob.request("join", place))).code, "FORBIDDEN");
  await ann.request("unban", { ...place, user: "bob" });
  await bob.request("join", place);
});

test("chat: who is banned while away does not come back to the room", async () => {
  await using cluster = await startCluster();
  await using ann = cluster.connect("ann", "admin", 0);
  await using eve = cluster.connect("eve", "member", 1);
  await eve.request("join", { room: "cellar" });
  const refusal = new Promise<[string, boolean, string | undefined]>((resolve) => {
    eve.onRecovery(({ room, recovered, error }) => resolve([room, recovered, error?.code]));
  });
  const away = new Promise<void>((resolve) => {
    eve.onStatus((status) => status === "reconnecting" && resolve());
  });
  const ban = ann.request("ban", { room: "cellar", user: "eve" }); // its order may come before or after the loss
  cluster.hubs[1]!.connection(eve.connectionId!).close({ code: 4000 });
  await away;
  await ban;
  assertEquals(await refusal, ["room/cellar", false, "FORBIDDEN"]);
});

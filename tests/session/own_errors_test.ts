/**
 * Errors of the hub's own methods in code of the application: they are no errors of the client, and name no parts of the server
 * to it. What the application throws for the client goes to the client.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { createClient, createMemoryHistory, defineContract, HubError } from "@trunkline/hub";
import type { HistoryStore } from "@trunkline/hub/adapters/history-store";
import { z } from "zod";
import { test, waitFor } from "../harness.ts";
import { AT_ONCE, createRig, type Rig, type RigOptions } from "../hub/rig.ts";
import { rejection } from "../hub/wires.ts";

const how = z.string();
const contract = defineContract({
  shared: {
    topics: {
      plain: { payload: z.object({ n: z.number() }) },
      log: { payload: z.object({ n: z.number() }), history: { size: 4 } },
    },
  },
  rooms: { "kept/:id": { history: { size: 4 } } },
  presence: { "seen/:id": z.object({ at: z.number() }) },
  roles: {
    member: {
      clientToServer: { act: { input: how, output: z.void() }, hint: { payload: how } },
      serverToClient: {
        message: { payload: z.object({ n: z.number() }) },
        confirm: { input: z.string(), output: z.boolean() },
      },
    },
  },
});
type Definition = (typeof contract)["definition"];
type MemberHub = Rig<Definition>["hub"];

/** A store that is away: its errors name what only the server should see. */
function awayStore(): HistoryStore {
  const memory = createMemoryHistory();
  const away = () => new HubError("UNAVAILABLE", "Cannot store a message in redis at secret-host");
  return {
    name: "secret-store",
    publishes: false,
    append: () => Promise.reject(away()),
    read: (channel, options) => memory.read(channel, options),
  };
}

const wrong = { n: "one" } as never;
const none = "nothing" as never;

/** What a handler does. */
type Act = (hub: MemberHub, conn: { readonly id: string }) => unknown;

/** Mistakes of a server, by name. */
const MISTAKES: Readonly<Record<string, Act>> = {
  "a broadcast's payload": (hub) => hub.room("r").broadcast("message", wrong),
  "a broadcast's name": (hub) => hub.room("r").broadcast(none, wrong),
  "a broadcast to several rooms": (hub) => hub.rooms(["r", "s"]).broadcast("message", wrong),
  "a kept broadcast": (hub) => hub.room("kept/1").broadcast("message", wrong),
  "a publish": (hub) => hub.publish("plain", wrong),
  "a kept publish": (hub) => hub.publish("log", wrong),
  "a topic": (hub) => hub.publish(none, wrong),
  "a topic by its pattern": (hub) => hub.topic(none),
  "a history": (hub) => hub.history(none),
  "a role": (hub) => hub.forRole(none),
  "an event for a role": (hub) => hub.forRole("member").emit("message", wrong),
  "an event for a user": (hub) => hub.user("ann").emit("message", wrong),
  "an event for a connection": (hub, { id }) => hub.connection(id).emit("message", wrong),
  "a question to a connection": (hub, { id }) => hub.connection(id).request("confirm", wrong),
  "a question of no such name": (hub, { id }) => hub.connection(id).request(none, wrong),
  "a question to a room": (hub) => hub.room("r").request("confirm", wrong),
  "a bus event": (hub) => hub.emitServer(none, wrong),
  "a state": (hub, conn) => hub.room("seen/1").add(conn).then(() => hub.presence("seen/1").set(conn, wrong)),
  "a place": (hub) => hub.presence(none),
};

/** A hub that does what a client names, and a client. */
async function scene(options: RigOptions<Definition> = {}) {
  const rig = createRig(contract, options);
  const { hub } = rig;
  hub.implement({
    member: {
      act: async (name, { conn }) => {
        await (MISTAKES[name] ?? EXTRAS[name]!)(hub, conn);
      },
      hint: (name, { conn }) => void MISTAKES[name]!(hub, conn),
    },
  });
  await hub.ready;
  const faults: unknown[] = [];
  const client = createClient(contract, {
    url: "ws://loopback",
    role: "member",
    token: "ann",
    transport: rig.loopback.client(),
    ...AT_ONCE,
    onError: (error) => void faults.push((error as HubError).code),
  });
  await client.ready;
  return { ...rig, client, faults };
}

/** Other things that a handler does. */
const EXTRAS: Readonly<Record<string, Act>> = {
  "refuse": () => {
    throw new HubError("ROOM_FULL", "Cannot join: it holds 50 people", { data: { limit: 50 } });
  },
  "pass on": (hub, { id }) => hub.connection(id).request("confirm", "?", { timeoutMs: 5_000 }),
  "no such connection": (hub, { id }) => hub.connection(id + "0").request("confirm", "?"),
  "store": (hub) => hub.publish("log", { n: 1 }),
  "store in a room": (hub) => hub.room("kept/1").broadcast("message", { n: 1 }),
};

test("own errors: a mistake of the server reaches the client as INTERNAL, and onError as it is", async () => {
  const { hub, client, errors } = await scene();
  for (const name of Object.keys(MISTAKES)) {
    const error = await rejection(client.request("act", name));
    assertEquals([name, error.code, error.data], [name, "INTERNAL", undefined]);
    const [report, ...more] = errors.splice(0);
    assertEquals([name, report?.info.stage, report?.info.name, more.length], [name, "handler", "act", 0]);
    assertEquals([name, (report?.error as HubError).name], [name, "HubError"]);
  }
  await client.close();
  await hub.close();
});

test("own errors: the same holds for a signal, and for a request with an id", async () => {
  const { hub, client, errors, faults } = await scene();
  client.signal("hint", "a broadcast's payload");
  await waitFor(() => faults.length > 0, { what: "the fault" });
  assertEquals([faults, errors.splice(0).length], [["INTERNAL"], 1]);
  const error = await rejection(client.request("act", "a publish", { id: "one" }));
  assertEquals([error.code, errors.length], ["INTERNAL", 1]);
  await client.close();
  await hub.close();
});

test("own errors: a client gets what a handler throws for it, and what another client answers", async () => {
  const { hub, client, errors } = await scene();
  const refused = await rejection(client.request("act", "refuse"));
  assertEquals([refused.code, refused.data], ["ROOM_FULL", { limit: 50 }]);
  client.implement({
    confirm: () => {
      throw new HubError("VALIDATION", "I do not like the question");
    },
  });
  const passed = await rejection(client.request("act", "pass on"));
  assertEquals([passed.code, passed.message], ["VALIDATION", "I do not like the question"]);
  assertEquals((await rejection(client.request("act", "no such connection"))).code, "NOT_FOUND");
  assertEquals(errors, []);
  await client.close();
  await hub.close();
});

test("own errors: a store that is away is UNAVAILABLE to the client without its name, and reported once in a while", async () => {
  const { hub, client, errors } = await scene({ history: awayStore() });
  for (const name of ["store", "store in a room"]) {
    const { code, message } = await rejection(client.request("act", name));
    assertEquals([code, message], ["UNAVAILABLE", "The server cannot do this now: try again later"]);
  }
  assertEquals(errors.map(({ error }) => (error as Error).message), [
    "Cannot store a message in redis at secret-host",
  ]);
  await client.close();
  await hub.close();
});

test("own errors: in hub.use, in a rule of authorize, in authenticate and in onConnection", async () => {
  const at = { use: false, rule: false, authenticate: false, onConnection: false };
  const mistake = (hub: MemberHub) => hub.publish("plain", wrong);
  const rig: Rig<Definition> = createRig(contract, {
    authenticate: ({ role, token }) => {
      if (at.authenticate) mistake(rig.hub);
      return { role, user: { id: token! } };
    },
    onConnection: () => {
      if (at.onConnection) mistake(rig.hub);
    },
    authorize: {
      plain: () => {
        if (at.rule) mistake(rig.hub);
        return true;
      },
    },
  });
  const { hub, errors, loopback } = rig;
  hub.use(async (_call, next) => {
    if (at.use) mistake(hub);
    await next();
  });
  hub.implement({ member: { act: () => {}, hint: () => {} } });
  await hub.ready;
  const connect = () =>
    createClient(contract, {
      url: "ws://loopback",
      role: "member",
      token: "ann",
      transport: loopback.client(),
      ...AT_ONCE,
      onError: () => {},
    });
  await using client = connect();
  await client.ready;
  at.use = true;
  assertEquals((await rejection(client.request("act", "x"))).code, "INTERNAL");
  at.use = false;
  at.rule = true;
  assertEquals((await rejection(client.subscribe("plain", () => {}).ready)).code, "INTERNAL");
  assertEquals(errors.splice(0).map(({ error, info }) => [(error as HubError).code, info.stage]), [
    ["VALIDATION", "handler"],
    ["VALIDATION", "handler"],
  ]);
  for (const hook of ["authenticate", "onConnection"] as const) {
    at[hook] = true;
    const another = connect();
    await waitFor(() => errors.length > 0, { what: "the report" });
    const [report] = errors;
    assertEquals([(report!.error as HubError).code, report!.info.stage], ["VALIDATION", "connection"]);
    await another.close();
    at[hook] = false;
    errors.splice(0);
  }
  await hub.close();
});

import { assertEquals, assertThrows } from "@std/assert";
import { createClient, createEmitter, createHub, defineContract, type HubErrorInfo } from "@trunkline/hub";
import { createLoopbackTransport } from "@trunkline/hub/transports/loopback";
import { z } from "zod";
import { rejection } from "../client/setup.ts";
import { test, waitFor } from "../harness.ts";

const contract = defineContract({
  roles: {
    member: {
      clientToServer: {
        say: { input: z.object({ text: z.string() }), output: z.object({ id: z.string() }) },
        typing: { payload: z.object({ room: z.string() }) },
      },
    },
  },
  presence: { "room/:id": z.object({}) },
});

interface Given {
  readonly limits?: { readonly messagesPerSecond: number; readonly messageBurst: number };
  readonly say?: () => never;
  readonly authenticate?: () => never;
}

/** A hub whose parts fail, and a client of it. */
async function start({ say, authenticate, limits }: Given) {
  const reported: [string | undefined, HubErrorInfo["stage"]][] = [];
  const told: string[] = [];
  const loopback = createLoopbackTransport();
  const hub = createHub(contract, {
    authenticate: authenticate ?? (({ role }) => ({ role, user: { id: "ann" } })),
    transports: [loopback],
    limits: limits ?? {},
    onError: (_, { name, stage }) => void reported.push([name, stage]),
  });
  hub.implement({
    member: {
      say: say ?? (() => ({ id: "1" })),
      typing: () => {
        throw new Error("the password is hunter2");
      },
    },
  });
  await hub.ready;
  const client = createClient(contract, {
    url: "ws://loopback",
    role: "member",
    transport: loopback.client(),
    onError: (error) => void told.push((error as Error).message),
  });
  return {
    hub,
    client,
    reported,
    told,
    async [Symbol.asyncDispose]() {
      await client.close();
      await hub.close();
    },
  };
}

test("an internal error names the request or signal, and says where its cause is", async () => {
  const say = () => {
    throw new Error("the password is hunter2");
  };
  for (const failing of [say, () => ({ id: 5 }) as never]) {
    await using scene = await start({ say: failing });
    const { client, reported, told } = scene;
    const text = 'Cannot handle "say": internal error, see onError of the server';
    assertEquals((await rejection(client.request("say", { text: "" }))).message, text);
    assertEquals((await rejection(client.request("say", { text: "" }, { id: "1" }))).message, text);
    client.signal("typing", { room: "" });
    await waitFor(() => told.length > 0, { what: "the refusal of the signal" });
    assertEquals(told, ['Cannot handle "typing": internal error, see onError of the server']);
    assertEquals(reported.map(([name]) => name), ["say", "say", "typing"]);
  }
});

test("an answer of authenticate with another part keeps the client out, and the error says which part was meant", async () => {
  for (
    const [other, hint] of [["usr", 'did you mean "user"?'], [
      "since",
      'there are "role", "user", "ctx"',
    ]] as const
  ) {
    const texts: string[] = [];
    const loopback = createLoopbackTransport();
    const hub = createHub(contract, {
      authenticate: ({ role }) => ({ role, [other]: { id: "ann" } }),
      transports: [loopback],
      onError: (error) => void texts.push((error as Error).message),
    });
    const client = createClient(contract, {
      url: "ws://loopback",
      role: "member",
      transport: loopback.client(),
      onError() {},
    });
    await waitFor(() => texts.length > 0, { what: "the report" });
    assertEquals(
      texts[0],
      `Cannot let a client in: the answer of authenticate has no part "${other}", ${hint}`,
    );
    await client.close();
    await hub.close();
  }
});

test("if authenticate throws, the client is told where the cause is", async () => {
  await using scene = await start({
    authenticate: () => {
      throw new Error("the database is away");
    },
  });
  const error = await new Promise<Error | undefined>((resolve) => {
    scene.client.onStatus((_, { error }) => error && resolve(error));
  });
  assertEquals(error?.message, "Internal error, see onError of the server");
});

test("an id in place of a connection is refused, and the error says what to give", async () => {
  await using scene = await start({});
  const { hub, client } = scene;
  await client.ready;
  const id = client.connectionId as never;
  const text = "Cannot address a connection by a string: give the connection itself, not its id alone";
  const room = hub.room("room/1");
  assertEquals((await rejection(room.add(id))).message, text);
  assertThrows(() => room.remove(id), TypeError, text);
  assertThrows(() => hub.presence("room/1").set(id, {}), TypeError, text);
  const nothing = "Cannot address a connection by undefined: give the connection itself";
  assertEquals((await rejection(room.add(undefined as never))).message, nothing);
});

test("an address in place of an adapter is refused, and the error names an adapter", () => {
  const text =
    "Cannot use this string as adapter of createHub: give an adapter, such as createRedisAdapter({ url, prefix })";
  const adapter = "redis://:hunter2@localhost" as never;
  const authenticate = () => ({ role: "member" }) as const;
  assertThrows(() => createHub(contract, { authenticate, adapter }), TypeError, text);
  assertThrows(
    () => createEmitter(contract, { adapter }),
    TypeError,
    text.replace("createHub", "createEmitter"),
  );
});

test("a client that sends too often is told which limit it met", async () => {
  await using scene = await start({ limits: { messagesPerSecond: 1, messageBurst: 1 } });
  const { client } = scene;
  await client.request("say", { text: "" });
  assertEquals(
    (await rejection(client.request("say", { text: "" }))).message,
    "Cannot take more than 1 messages a second (limits.messagesPerSecond): send less often",
  );
});

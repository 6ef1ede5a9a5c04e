import { assert, assertEquals } from "@std/assert";
import {
  type Client,
  type Codec,
  createClient,
  createHub,
  createMemoryAdapter,
  createMemoryBus,
  defineContract,
  type Hub,
  HubError,
  jsonCodec,
  type MemoryBus,
} from "@trunkline/hub";
import { msgpackCodec } from "@trunkline/hub/codecs/msgpack";
import { createLoopbackTransport, type LoopbackTransport } from "@trunkline/hub/transports/loopback";
import fc from "fast-check";
import { z } from "zod";
import { nest, REFUSED, refused, travelling } from "../codecs/values.ts";
import { assertPrototypesUntouched, runs } from "../contract/runs.ts";
import { test, waitFor } from "../harness.ts";

const any = { payload: z.any() };
const wrapped = { payload: z.object({ body: z.any() }) };

const contract = defineContract({
  shared: {
    topics: {
      now: { payload: z.any() },
      log: { payload: z.any(), history: { size: 50 } },
    },
  },
  roles: {
    member: {
      clientToServer: {
        join: { input: z.any(), output: z.any() },
        say: any,
        wrap: any,
        post: any,
        echo: { input: z.any(), output: z.any() },
      },
      serverToClient: { message: any, wrapped, confirm: { input: z.any(), output: z.any() } },
    },
  },
  presence: { "room/:id": z.any() },
  serverToServer: { tell: any, ask: { input: z.any(), output: z.any() } },
});

type Definition = (typeof contract)["definition"];
type Member = Client<Definition, "member">;

/** Nodes of one cluster, with clients of both codecs on each. The clients get all messages. */
class World implements AsyncDisposable {
  readonly hubs: Hub<Definition>[] = [];
  readonly clients: Member[] = [];
  /** The closes, the reconnects, and the reported breaches of the protocol. */
  readonly broken: string[] = [];
  readonly heard: unknown[][] = [];

  static async start(): Promise<World> {
    const world = new World();
    const bus = createMemoryBus();
    for (let node = 0; node < 2; node++) await world.#addNode(bus);
    await waitFor(() => world.hubs.every((hub) => hub.cluster.nodes().length === 2), {
      what: "the nodes to meet",
    });
    return world;
  }

  async #addNode(bus: MemoryBus): Promise<void> {
    const loopback = createLoopbackTransport();
    const hub: Hub<Definition> = createHub(contract, {
      authenticate: ({ role }) => ({ role }),
      transports: [loopback],
      adapter: createMemoryAdapter({ bus, prefix: "odd" }),
      codecs: [jsonCodec, msgpackCodec],
      limits: { maxFrameBytes: 1024 * 1024, messageBurst: Infinity },
      onDisconnect: (_, { code, reason }) => {
        if (code !== 1000) this.broken.push(`hub: ${code} ${reason}`);
      },
      onError: () => {},
    });
    const post = (topic: "now" | "log", value: unknown) => hub.publish(topic, value as never);
    hub.implement({
      member: {
        join: async (_, { conn }) => void await hub.room("room/1").add(conn),
        say: (body) => void hub.room("room/1").broadcast("message", body),
        wrap: (body) => void hub.room("room/1").broadcast("wrapped", { body }),
        post: async (body) => void await Promise.all([post("now", body), post("log", body)]),
        echo: (input) => input,
      },
    });
    hub.onServer("ask", (input) => input);
    hub.onServer("tell", () => {});
    await hub.ready;
    this.hubs.push(hub);
    for (const codec of [jsonCodec, msgpackCodec]) await this.join(loopback, codec);
  }

  async join(loopback: LoopbackTransport, codec: Codec): Promise<void> {
    const heard: unknown[] = [];
    const client: Member = createClient(contract, {
      url: "ws://loopback",
      role: "member",
      transport: loopback.client(),
      codec,
      onError: (error, { stage }) => {
        if (stage === "protocol") this.broken.push(`client: ${String(error)}`);
      },
    });
    client.onStatus((status) => {
      if (status !== "open" && status !== "closed") this.broken.push(`client: ${status}`);
    });
    await client.ready;
    client.on("message", (value) => void heard.push(value));
    client.on("wrapped", (value) => void heard.push(value));
    client.implement({ confirm: (input) => input });
    await client.request("join", null);
    await Promise.all(
      (["now", "log"] as const).map((topic) =>
        client.subscribe(topic, (value) => void heard.push(value)).ready
      ),
    );
    this.clients.push(client);
    this.heard.push(heard);
  }

  /** Sends a value in every way that there is. Each is taken, or refused with a typed error. */
  async send(make: () => unknown, from: number): Promise<number> {
    const client = this.clients[from % this.clients.length]!;
    const hub = this.hubs[from % this.hubs.length]!;
    const far = this.clients[(from + 2) % this.clients.length]!.connectionId!;
    const ways: (() => unknown)[] = [
      () => client.signal("say", make()),
      () => client.signal("wrap", make()),
      () => client.signal("post", make()),
      () => client.request("echo", make()),
      () => hub.room("room/1").broadcast("message", make()),
      () => hub.room("room/1").broadcast("wrapped", { body: make() }),
      () => hub.publish("now", make() as never),
      () => hub.publish("log", make() as never),
      () => hub.connection(far).emit("message", make()),
      () => hub.connection(client.connectionId!).request("confirm", make()),
      () => hub.connection(far).request("confirm", make()),
      () => hub.emitServer("tell", make()),
      () => hub.requestServers("ask", make()),
    ];
    const outcomes = await Promise.allSettled(ways.map(async (way) => await way()));
    const refusals = outcomes.filter(({ status }) => status === "rejected") as PromiseRejectedResult[];
    // A schema that looks into a value may throw what the value throws.
    for (const { reason } of refusals) {
      assert(reason instanceof HubError || /revoked/.test(String(reason)), String(reason));
    }
    return refusals.length;
  }

  /** Everybody is still there, and hears what is said next, in order, on their first link. */
  async prove(): Promise<void> {
    const mark = crypto.randomUUID();
    for (const hub of this.hubs) {
      hub.room("room/1").broadcast("message", mark);
      await hub.publish("log", mark);
    }
    const marks = (heard: unknown[]) => heard.filter((value) => value === mark).length;
    await waitFor(() => this.heard.every((heard) => marks(heard) === 4), {
      what: `all to hear a mark; broken: ${this.broken.join("; ")}`,
    });
    for (const heard of this.heard) heard.length = 0;
    assertEquals(this.broken, []);
    assertPrototypesUntouched();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.clients) await client.close();
    for (const hub of this.hubs) await hub.close();
  }
}

test("hostile: no value that travels, sent in any way, makes a receiver drop its link", async () => {
  await using world = await World.start();
  await fc.assert(
    fc.asyncProperty(travelling, fc.nat(3), async ({ sent }, from) => {
      await world.send(() => sent, from);
      await world.prove();
    }),
    runs(60),
  );
});

test("hostile: no value that does not travel gets anywhere, and each is refused to its sender", async () => {
  await using world = await World.start();
  for (const [i, [what, make]] of REFUSED.entries()) {
    assert(await world.send(make, i) >= 10, `${what} was refused in too few ways`);
    await world.prove();
  }
  await fc.assert(
    fc.asyncProperty(refused, fc.nat(3), async ({ make }, from) => {
      await world.send(make, from);
      await world.prove();
    }),
    runs(60),
  );
});

test("hostile: values at and near the depth limit, which handlers wrap, cut off no client", async () => {
  await using world = await World.start();
  for (const how of ["lists", "objects"] as const) {
    for (const levels of [998, 999, 1_000, 1_001]) {
      for (const [i] of world.clients.entries()) {
        await world.send(() => nest(levels, new Uint8Array(3), how), i);
      }
      await world.prove();
    }
  }
});

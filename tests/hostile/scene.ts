/**
 * A hub behind a real WebSocket server, a friendly client (the neighbour), and hostile clients.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import {
  type Client,
  createClient,
  createHub,
  defineContract,
  type Hub,
  type HubErrorInfo,
  type HubOptions,
  type HubStats,
} from "@trunkline/hub";
import { asServerMessage, type ServerMessage } from "@trunkline/hub/contract";
import { Buffer } from "node:buffer";
import { z } from "zod";
import { test, type TestOptions, waitFor } from "../harness.ts";
import { serve } from "../serve.ts";
import { frameOf, opcode, RawClient } from "../transports/raw_client.ts";

const shared = {
  any: { payload: z.any() },
  record: { payload: z.record(z.string(), z.any()) },
  object: { payload: z.object({ a: z.number().optional() }) },
  loose: { payload: z.looseObject({}) },
} as const;

export const contract = defineContract({
  shared: {
    topics: {
      "open/:id": { payload: z.any() },
      "secret/:id": { payload: z.any() },
      "slow/:id": { payload: z.any() },
      "log/:id": { payload: z.any(), history: { size: 4 } },
    },
  },
  roles: {
    member: {
      clientToServer: {
        echo: { input: z.any(), output: z.any() },
        strict: { input: z.object({ text: z.string() }), output: z.object({ text: z.string() }) },
        late: { input: z.string().refine(() => asked.promise), output: z.string() },
        tree: { input: z.json(), output: z.number() },
        wait: { input: z.object({}), output: z.void() },
        stubborn: { input: z.object({}), output: z.void() },
        dawdle: { payload: z.any() },
        ...shared,
      },
      serverToClient: shared,
    },
    admin: {},
  },
  presence: {
    all: { state: z.any(), clientsSet: true },
    "open/:id": { state: z.any(), clientsSet: true },
    "ruled/:id": z.object({ a: z.number() }),
    "slow/:id": z.any(),
  },
});

/** The promise for which the schema of `late` waits: set by a test. */
export const asked: { promise: Promise<boolean> } = { promise: Promise.resolve(true) };

export type HostileDefinition = (typeof contract)["definition"];
export type HostileOptions = Partial<HubOptions<HostileDefinition, { id: string } | undefined, undefined>>;
export type Neighbour = Client<HostileDefinition, "member">;

const SUBPROTOCOL = "trunkline.v1.json";

/** A client that sends any frames. */
export class Intruder {
  readonly raw: RawClient;

  constructor(raw: RawClient) {
    this.raw = raw;
  }

  /** Sends a text frame as it is. */
  say(frame: string): void {
    this.raw.send(opcode.text, frame);
  }

  /** Sends text frames in one write: what is tested is how they are read, and not how many writes a runtime takes in a turn. */
  sayAll(frames: readonly string[]): void {
    const encoder = new TextEncoder();
    const written = frames.map((frame) => frameOf(opcode.text, encoder.encode(frame)));
    this.raw.socket.write(Buffer.concat(written));
  }

  /** Sends messages in one frame. */
  send(...messages: unknown[]): void {
    this.say(JSON.stringify(messages));
  }

  /** The messages of the server so far; each is checked. */
  get heard(): ServerMessage[] {
    return this.raw.frames.filter((frame) => frame.opcode === opcode.text)
      .flatMap(({ payload }) => JSON.parse(new TextDecoder().decode(payload)) as unknown[])
      .map((message) => asServerMessage(message) as ServerMessage);
  }

  /** How the server closed, if it did. */
  get closing(): { readonly code: number; readonly reason: string } | undefined {
    const frame = this.raw.frames.find((frame) => frame.opcode === opcode.close);
    if (!frame) return this.raw.gone ? { code: 1006, reason: "" } : undefined;
    const [high = 0, low = 0] = frame.payload;
    return { code: high * 256 + low, reason: new TextDecoder().decode(frame.payload.subarray(2)) };
  }

  /** Waits for a message of a kind, the first unless told. */
  async hears<K extends ServerMessage[0]>(
    kind: K,
    id?: unknown,
  ): Promise<Extract<ServerMessage, { readonly 0: K }>> {
    const find = () =>
      this.heard.find((message) => message[0] === kind && (id === undefined || message[1] === id));
    const message = await waitFor(
      () => find() ?? Promise.reject(new Error(`Heard only ${JSON.stringify(this.heard)}`)),
      { what: `"${kind}" for ${JSON.stringify(id)}` },
    );
    return message as Extract<ServerMessage, { readonly 0: K }>;
  }

  /** Waits for the server's close. */
  closed(): Promise<{ readonly code: number; readonly reason: string }> {
    return waitFor(() => this.closing, { what: "the server to close" });
  }

  /** Sends hello, and waits for the welcome. */
  async enter(hello: unknown = { role: "member" }): Promise<this> {
    this.send(["hello", hello]);
    await this.hears("welcome");
    return this;
  }

  /** Asks for something that works, and waits until it has. */
  async proveAlive(): Promise<void> {
    this.send(["req", 4_711, "echo", "alive"]);
    assertEquals((await this.hears("res", 4_711))[2], "alive");
  }
}

/** The parts that a test gets. */
export interface Scene {
  readonly hub: Hub<HostileDefinition, { id: string } | undefined, undefined>;
  readonly port: number;
  readonly url: string;
  /** The neighbour: it is connected and in the room `all`. */
  readonly neighbour: Neighbour;
  /** The reports to the hub. A test fails if it leaves any here. */
  readonly errors: { readonly error: unknown; readonly info: HubErrorInfo }[];
  /** Refusals that were reported. */
  readonly refusals: { readonly error: unknown; readonly info: HubErrorInfo }[];
  /** How many handlers of `stubborn` run. */
  readonly stubborn: { running: number; readonly most: number };
  /** Opens a WebSocket, with what subprotocols and headers a test wants. */
  intrude(headers?: Readonly<Record<string, string | undefined>>): Promise<Intruder>;
  /** Opens one, and gets as far as the welcome. */
  enter(): Promise<Intruder>;
}

/** Whether nothing is left but the histories, each of which has its channel. */
function isEmpty({ channels, histories, refused: _, presence, ...others }: HubStats): boolean {
  return channels === histories && Object.values({ ...others, ...presence }).every((count) => count === 0);
}

/**
 * Registers a test whose intruders must leave everything as it was: the neighbour's connection lives and works, the
 * hub's counts return to zero, nothing is reported that the test has not looked at.
 */
export function hostileTest(
  title: string,
  fn: (scene: Scene) => Promise<void>,
  options: HostileOptions = {},
  testOptions?: TestOptions,
): void {
  test(`hostile: ${title}`, async () => {
    const errors: { error: unknown; info: HubErrorInfo }[] = [];
    const refusals: { error: unknown; info: HubErrorInfo }[] = [];
    const stubborn = { running: 0, most: 0 };
    const released = Promise.withResolvers<void>();
    const intruders: Intruder[] = [];
    asked.promise = Promise.resolve(true);
    const hub = createHub(contract, {
      authenticate: ({ role, token }) => ({ role, user: token ? { id: token } : undefined }),
      onConnection: (conn) => hub.room("all").add(conn),
      onError: (error, info) => (info.stage === "refused" ? refusals : errors).push({ error, info }),
      ...options,
    }) as Scene["hub"];
    const tell = (name: keyof typeof shared) => (value: unknown) =>
      hub.room("all").broadcast(name, value as never);
    hub.implement({
      member: {
        echo: (value) => value,
        strict: (value) => value,
        late: (text) => text,
        tree: (value) => JSON.stringify(value).length,
        wait: (_, { signal }) =>
          new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
        stubborn: async () => {
          stubborn.most = Math.max(stubborn.most, ++stubborn.running);
          await released.promise;
          stubborn.running--;
        },
        dawdle: () => released.promise,
        any: tell("any"),
        record: tell("record"),
        object: tell("object"),
        loose: tell("loose"),
      },
    });
    await hub.ready;
    const server = serve({
      fetch: (request, platform) => hub.routes.fetch(request, platform as never),
      websocket: hub.websocket,
    });
    const url = `ws://127.0.0.1:${server.port}/`;
    const neighbour: Neighbour = createClient(contract, { url, role: "member", token: "neighbour" });
    const intrude: Scene["intrude"] = async (headers) => {
      const request = { headers: { "Sec-WebSocket-Protocol": SUBPROTOCOL, ...headers } };
      const intruder = new Intruder(await RawClient.open(server.port, request));
      intruders.push(intruder);
      return intruder;
    };
    try {
      await neighbour.ready;
      const { connectionId } = neighbour;
      await fn({
        hub,
        port: server.port,
        url,
        neighbour,
        errors,
        refusals,
        stubborn,
        intrude,
        enter: async () => (await intrude()).enter(),
      });

      assertEquals(await neighbour.request("strict", { text: "hello" }), { text: "hello" });
      const got: unknown[] = [];
      const sub = neighbour.subscribe("open/after", (value) => got.push(value));
      await sub.ready;
      hub.publish("open/after", "still here");
      await waitFor(() => got.length === 1, { what: "the neighbour to be served" });
      assertEquals([neighbour.status, neighbour.connectionId], ["open", connectionId]);
      sub.unsubscribe();
      await Promise.all(intruders.map(({ raw }) => raw.destroy()));
      released.resolve();
      await waitFor(() => hub.stats().connections === 1 && hub.stats().handshakes === 0, {
        what: "the others to be gone",
      });
      await neighbour.close();
      await waitFor(() => isEmpty(hub.stats()), {
        what: `all counts to be zero: ${JSON.stringify(hub.stats())}`,
      });
      assertEquals(stubborn.running, 0);
      assertEquals(errors, [], "something was reported that nobody expected");
      assert(!("polluted" in {}), "a prototype was polluted");
    } finally {
      released.resolve();
      await Promise.all(intruders.map(({ raw }) => raw.destroy()));
      await neighbour.close();
      await hub.close();
      await server.close();
    }
  }, testOptions);
}

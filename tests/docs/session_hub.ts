/**
 * The application of the session at the end of `docs/protocol.md`, on real WebSockets.
 *
 * @module
 */

import {
  type Clock,
  createHub,
  createMemoryAdapter,
  createMemoryBus,
  defineContract,
  HubError,
} from "@trunkline/hub";
import { Hono } from "hono";
import { z } from "zod";
import { FakeClock } from "../fake_clock.ts";
import { serve } from "../serve.ts";

const contract = defineContract({
  shared: {
    topics: {
      "stats": { payload: z.object({ users: z.number() }) },
      "log/:name": { payload: z.object({ line: z.string() }), history: { size: 3 } },
    },
  },
  roles: {
    member: {
      clientToServer: {
        join: { input: z.object({ room: z.string() }), output: z.void() },
        say: {
          input: z.object({ room: z.string(), text: z.string() }),
          output: z.object({ id: z.string() }),
        },
        wait: { input: z.void(), output: z.void() },
        typing: { payload: z.object({ room: z.string() }) },
      },
      serverToClient: {
        message: { payload: z.object({ room: z.string(), text: z.string() }) },
        confirm: { input: z.object({ question: z.string() }), output: z.boolean() },
      },
    },
  },
  presence: { r1: { state: z.object({ typing: z.boolean() }), clientsSet: true } },
});

/**
 * Starts it. Its time stands still until `clock` is moved.
 *
 * @param options Another clock or heartbeat, and the clients that are refused for now.
 */
export async function startSessionHub(
  { refuse, ...options }: {
    readonly clock?: Clock;
    readonly heartbeatMs?: number;
    /** Throws to refuse a client. */
    readonly refuse?: () => void;
  } = {},
) {
  const clock = new FakeClock();
  const bus = createMemoryBus();
  const typed: unknown[] = [];
  /** Why requests of `wait` were given up. */
  const aborted: string[] = [];
  const errors: unknown[] = [];
  const hub = createHub(contract, {
    authenticate: ({ role, token }) => {
      refuse?.();
      if (token === "wrong") throw new HubError("UNAUTHENTICATED", "Cannot let you in: the token is wrong");
      return { role, user: token === undefined ? undefined : { id: token } };
    },
    authorize: { "log/:name": ({ params }) => params.name !== "secret" },
    adapter: createMemoryAdapter({ bus }),
    history: "per-node",
    clock,
    onError: (error) => errors.push(error),
    ...options,
  });
  let lastId = 0;
  hub.implement({
    member: {
      join: ({ room }, { conn }) => hub.room(room).add(conn),
      say: (message) => {
        hub.room(message.room).broadcast("message", message);
        return { id: `m${++lastId}` };
      },
      wait: (_, { signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener("abort", () => {
            aborted.push((signal.reason as HubError).code);
            reject(signal.reason);
          });
        }),
      typing: (payload) => void typed.push(payload),
    },
  });
  await hub.ready;
  const app = new Hono().route("/realtime", hub.routes);
  const server = serve({
    fetch: (request, platform) => app.fetch(request, platform as object),
    websocket: hub.websocket,
  });
  return {
    hub,
    bus,
    clock,
    typed,
    aborted,
    errors,
    url: `ws://127.0.0.1:${server.port}/realtime`,
    async [Symbol.asyncDispose]() {
      await hub.close();
      await server.close();
    },
  };
}

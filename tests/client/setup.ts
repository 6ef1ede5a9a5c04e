import { z } from "zod";
import {
  type Client,
  type ClientErrorInfo,
  type ClientOptions,
  type ClientStatus,
  createClient,
  type HubError,
  type StatusInfo,
} from "../../client/mod.ts";
import { defineContract } from "../../contract/mod.ts";
import { FakeClock } from "../fake_clock.ts";
import { FakeServer, type WELCOME } from "./fake_server.ts";

/** A schema that changes its input, so that a test sees which side has parsed it. */
const Shout = z.object({ text: z.string().transform((text) => text.toUpperCase()) });

export const contract = defineContract({
  shared: {
    serverToClient: { dm: { payload: z.object({ text: z.string() }) } },
    topics: {
      stats: { payload: z.object({ n: z.coerce.number() }) },
      "ticker/:symbol": { payload: z.object({ n: z.number() }), history: { size: 100 } },
    },
  },
  roles: {
    member: {
      clientToServer: {
        say: { input: Shout, output: z.object({ id: z.coerce.number() }) },
        slow: {
          input: z.object({ n: z.number() }).refine(async ({ n }) => (await Promise.resolve(), n > 0)),
          output: z.number(),
        },
        typing: { payload: z.object({ room: z.string() }) },
      },
      serverToClient: {
        message: { payload: Shout },
        confirm: { input: Shout, output: z.object({ yes: z.coerce.boolean() }) },
      },
    },
    admin: { topics: { audit: { payload: z.string() } } },
  },
});

export type Member = Client<typeof contract.definition, "member">;

/** One client, the server that it talks to, and all that it said of itself. */
export interface Rig {
  client: Member;
  server: FakeServer;
  clock: FakeClock;
  errors: { error: unknown; info: ClientErrorInfo }[];
  statuses: [ClientStatus, StatusInfo][];
}

/** Lets everything run that is ready to. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

/** A client that has begun to connect. */
export async function connecting(options: Partial<ClientOptions<"member">> = {}): Promise<Rig> {
  const server = new FakeServer();
  const clock = new FakeClock();
  const errors: Rig["errors"] = [];
  const statuses: Rig["statuses"] = [];
  const client = createClient(contract, {
    url: "ws://hub.test/realtime",
    role: "member",
    transport: server,
    clock,
    random: () => 0.5,
    onError: (error, info) => errors.push({ error, info }),
    ...options,
  });
  client.onStatus((status, info) => statuses.push([status, info]));
  await turn();
  return { client, server, clock, errors, statuses };
}

/** A client that is open. */
export async function opened(
  options: Partial<ClientOptions<"member">> = {},
  welcome: Partial<typeof WELCOME> = {},
): Promise<Rig> {
  const rig = await connecting(options);
  rig.server.link.welcome(welcome);
  await rig.client.ready;
  return rig;
}

/** Lets the attempt that is due next begin. */
export async function retried({ clock, statuses }: Rig): Promise<void> {
  clock.advance(statuses.at(-1)![1].retryInMs!);
  await turn();
}

/** Breaks the link and lets the client open the next one. */
export async function reopened(rig: Rig, welcome: Partial<typeof WELCOME> = {}): Promise<void> {
  const { server } = rig;
  server.link.close();
  await retried(rig);
  server.link.welcome({
    connection: `c${server.links.length}`,
    node: `n${server.links.length}`,
    ...welcome,
  });
  await turn();
}

/** The error of a rejected promise; fails if it does not reject. */
export async function rejection(promise: Promise<unknown>): Promise<HubError> {
  try {
    await promise;
  } catch (error) {
    return error as HubError;
  }
  throw new Error("Expected the promise to reject");
}

/** Whether a promise has settled. */
export async function settled(promise: Promise<unknown>): Promise<boolean> {
  const pending = {};
  await turn();
  return await Promise.race([promise.catch(() => {}), Promise.resolve(pending)]) !== pending;
}

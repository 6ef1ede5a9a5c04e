import { z } from "zod";
import {
  type Client,
  type ClientErrorInfo,
  type ClientOptions,
  createClient,
  defineContract,
} from "@trunkline/hub";
import { presence, type PresenceOptions, type PresenceView } from "@trunkline/hub/client/presence";
import type { WhoChange } from "@trunkline/hub/contract";
import { FakeServer } from "../client/fake_server.ts";
import { turn } from "../client/setup.ts";
import { FakeClock } from "../fake_clock.ts";

/** A schema that changes its input, so that a test sees which side has parsed it. */
const State = z.object({ mood: z.string().transform((text) => text.toUpperCase()) });

export const contract = defineContract({
  shared: { topics: { "ticker/:symbol": { payload: z.any() } } },
  roles: {
    member: {
      clientToServer: { join: { input: z.string(), output: z.any() }, note: { payload: z.string() } },
    },
  },
  presence: {
    "room/:id": { state: State, clientsSet: true },
    "quiet/:id": State,
    "ticker/:symbol": z.any(),
  },
});

export type State = z.output<typeof State>;
export type Room = PresenceView<State, { mood: string }>;
export type Definition = typeof contract.definition;

/** One client, the server that it talks to, and all that it said of itself. */
export interface Rig {
  readonly client: Client<Definition, "member">;
  readonly server: FakeServer;
  readonly clock: FakeClock;
  readonly errors: { readonly error: unknown; readonly info: ClientErrorInfo }[];
  /** Lets the attempt that is due next begin. */
  retry(): Promise<void>;
}

/** The watched place, on the wire. */
export const PLACE = "room:room/1";

/** A client that has begun to connect. */
export async function connecting(options: Partial<ClientOptions<"member">> = {}): Promise<Rig> {
  const server = new FakeServer();
  const clock = new FakeClock();
  const errors: { error: unknown; info: ClientErrorInfo }[] = [];
  const client = createClient(contract, {
    url: "ws://hub.test/realtime",
    role: "member",
    transport: server,
    clock,
    random: () => 0.5,
    onError: (error, info) => errors.push({ error, info }),
    ...options,
  });
  let retryInMs = 0;
  client.onStatus((_, info) => retryInMs = info.retryInMs ?? 0);
  await turn();
  const retry = async () => {
    clock.advance(retryInMs);
    await turn();
  };
  return { client, server, clock, errors, retry };
}

/** A welcome of a hub that keeps presence. */
export const welcome = { presence: true } as const;

/** A client that is open. */
export async function opened(options?: Partial<ClientOptions<"member">>): Promise<Rig> {
  const rig = await connecting(options);
  rig.server.link.welcome(welcome);
  await rig.client.ready;
  return rig;
}

/** Breaks the link, and lets the client open the next one. */
export async function reopened(rig: Rig): Promise<void> {
  rig.server.link.close();
  await rig.retry();
  rig.server.link.welcome({ ...welcome, node: `n${rig.server.links.length}` });
  await turn();
}

/** The events of a view, as text. */
export function record(view: Room): string[] {
  const seen: string[] = [];
  for (const event of ["join", "leave", "update"] as const) {
    view.on(event, ({ id, node, state }) => void seen.push(`${event} ${id}@${node} ${state?.mood ?? "-"}`));
  }
  view.on("count", (count) => void seen.push(`count ${count}`));
  view.on("sync", () => void seen.push("sync"));
  return seen;
}

/** Accepts the last watch of the link, and sends the members. */
export function accept({ server }: Rig, first: WhoChange, place: string = PLACE): void {
  const [, id, , options] = server.link.sent("watch").filter((message) => message[2] === place).at(-1)!;
  server.link.say(["res", id], ["who", place, options?.by ?? "user", first]);
}

/** Sends the changes of the room. */
export const say = ({ server }: Rig, change: WhoChange): void =>
  server.link.say(["who", PLACE, "user", change]);

/** Why a view ends when its client is not in any more. */
export const forbidden = { code: "FORBIDDEN", message: "Not in" };

/** The ids of the members that a view lists. */
export const ids = (view: Room): string[] => view.list().map(({ id }) => id);

/** Ann on one node, Bob with a mood on another. */
export const TWO: WhoChange = {
  nodes: ["n1", "n2"],
  all: [["bob", 1, 1, { mood: "merry" }], ["ann", 1, 0]],
  count: 2,
  synced: true,
};

/** A view that is live. */
export async function watching(
  options?: PresenceOptions,
  ofClient?: Partial<ClientOptions<"member">>,
): Promise<Rig & { room: Room; seen: string[] }> {
  const rig = await opened(ofClient);
  const room: Room = presence(rig.client, "room/1", options);
  const seen = record(room);
  await turn();
  accept(rig, TWO);
  await room.ready;
  return { ...rig, room, seen };
}

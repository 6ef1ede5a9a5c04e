/**
 * Rooms that survive a reconnect: nodes in one process, and clients that lose their links.
 *
 * @module
 */

import {
  type Client,
  type ClientOptions,
  createClient,
  defineContract,
  type HubError,
  type RoomRecovery,
} from "@trunkline/hub";
import { z } from "zod";
import { AT_ONCE, createRig, type Links, linksTo, type Rig, type RigOptions } from "../hub/rig.ts";

const contract = defineContract({
  roles: {
    member: {
      clientToServer: { join: { input: z.string(), output: z.void() } },
      serverToClient: { line: { payload: z.string() } },
    },
  },
  rooms: { "kept/:id": { history: { size: 8 } } },
});
export type Definition = (typeof contract)["definition"];
export type Node = Rig<Definition>;
type Member = Client<Definition, "member">;

/** Starts a node, which is ready. Clients join rooms by a request. */
export async function startNode(options: RigOptions<Definition> = {}): Promise<Node> {
  const rig = createRig(contract, options);
  rig.hub.implement({ member: { join: (room, { conn }) => rig.hub.room(room).add(conn) } });
  await rig.hub.ready;
  return rig;
}

/** A client, and what it hears. */
export interface Guest extends AsyncDisposable {
  readonly client: Member;
  readonly links: Links;
  readonly heard: string[];
  readonly told: RoomRecovery[];
  readonly errors: { readonly code: string; readonly stage: string; readonly name: string | undefined }[];
}

/** A client of some nodes, on the first of them; it has joined rooms. */
export async function enter(
  nodes: readonly Node[],
  rooms: readonly string[],
  options: Partial<ClientOptions<"member">> = {},
): Promise<Guest> {
  const links = linksTo(nodes);
  const errors: Guest["errors"] = [];
  const client = createClient(contract, {
    url: [...links.url],
    role: "member",
    token: "ann",
    transport: links.transport,
    ...AT_ONCE,
    random: () => 0,
    onError: (error, { stage, name }) => void errors.push({ code: (error as HubError).code, stage, name }),
    ...options,
  });
  const heard: string[] = [];
  client.on("line", (line) => void heard.push(line));
  const told: RoomRecovery[] = [];
  await client.ready;
  for (const room of rooms) await client.request("join", room);
  return { client, links, heard, told, errors, [Symbol.asyncDispose]: () => client.close() };
}

/** Lets a guest record its recoveries. */
export const follow = ({ client, told }: Guest) => client.onRecovery((recovery) => void told.push(recovery));
/** How many are in a room, on all nodes. */
export const memberOf = async (node: Node, room: string) =>
  (await node.hub.room(room).members()).connections.length;

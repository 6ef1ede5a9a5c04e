/**
 * Clients that watch places, speaking the protocol by hand.
 *
 * @module
 */

import { waitFor } from "../harness.ts";
import { pass, type Peer, type Scene, schema, stage, type Untyped } from "../session/scene.ts";

const Mood = schema((value: Untyped) =>
  typeof value?.mood === "string"
    ? { value: { mood: value.mood.toUpperCase() } }
    : { issues: [{ message: "a mood", path: ["mood"] }] }
);

const contract = {
  shared: { topics: { "t/:id": { payload: pass }, "plain/:id": { payload: pass } } },
  roles: {
    m: {
      clientToServer: { join: { input: pass, output: pass }, leave: { input: pass, output: pass } },
      topics: { "own/:id": { payload: pass } },
    },
    admin: { topics: { "secret/:id": { payload: pass } } },
  },
  presence: {
    "room/:id": { state: Mood, clientsSet: true },
    "ruled/:id": Mood,
    "t/:id": { state: pass, clientsSet: true },
    "own/:id": pass,
    "secret/:id": pass,
  },
};

export const ROOM = "room:room/1";

/** A hub whose clients join what rooms they like, and say hello with their user as a token. */
export async function start(options: Untyped = {}): Promise<Scene> {
  const scene = await stage(contract, {
    authenticate: ({ role, token }: Untyped) => ({ role, user: token && { id: token } }),
    ...options,
    presence: { intervalMs: 0, ...options.presence },
  });
  scene.hub.implement({
    m: {
      join: (room: string, { conn }: Untyped) => scene.hub.room(room).add(conn),
      leave: (room: string, { conn }: Untyped) => scene.hub.room(room).remove(conn),
    },
  });
  return scene;
}

/** A client of a user, or none. */
export async function enter(scene: Scene, token?: string, role = "m"): Promise<Peer> {
  const peer = scene.dial();
  peer.send(["hello", { role, token }]);
  await peer.hears("welcome");
  return peer;
}

/** The messages that a peer got about a place, since its last watch. */
export function told(peer: Peer, place = ROOM, by = "user"): Untyped[] {
  return peer.heard.filter((m) => m[0] === "who" && m[1] === place && m[2] === by).map((m) => m[3]);
}

/** Waits until a peer was told so much of a place. */
export const tells = (peer: Peer, count: number, place = ROOM, by = "user") =>
  waitFor(() => told(peer, place, by).length >= count && told(peer, place, by), {
    what: `${count} changes of ${place}; heard ${JSON.stringify(peer.heard)}`,
  });

let lastId = 0;

/** An id that nothing was asked under. */
export const nextId = (): number => ++lastId;

/** Asks, and waits for the answer: its output, or the code of its error. */
export async function ask(peer: Peer, kind: string, ...rest: unknown[]): Promise<Untyped> {
  const id = nextId();
  peer.send([kind, id, ...rest]);
  const answer = await waitFor(
    () => peer.heard.find((m) => (m[0] === "res" || m[0] === "err") && m[1] === id),
    {
      what: `the answer to ${kind} ${JSON.stringify(rest)}`,
    },
  );
  return answer[0] === "res" ? answer[2] : answer[2].code;
}

/** All that a hub and its clients keep of presence returns to nothing. */
export async function assertFreed({ hub }: Scene, peers: readonly Peer[]): Promise<void> {
  for (const peer of peers) peer.leave();
  await waitFor(() => hub.stats().connections === 0 && hub.stats().presence.places === 0, {
    what: `nothing to be left: ${JSON.stringify(hub.stats())}`,
  });
}

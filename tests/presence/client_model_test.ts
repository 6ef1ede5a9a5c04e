import { assert, assertEquals } from "@std/assert";
import {
  type Client,
  createClient,
  createHub,
  createMemoryAdapter,
  createMemoryBus,
  defineContract,
} from "@trunkline/hub";
import { presence, type PresenceMember } from "@trunkline/hub/client/presence";
import { createLoopbackTransport, type LoopbackClient } from "@trunkline/hub/transports/loopback";
import fc from "fast-check";
import { z } from "zod";
import { runs } from "../contract/runs.ts";
import { microtaskClock } from "../fake_clock.ts";
import { test, waitFor } from "../harness.ts";

const contract = defineContract({
  roles: {
    member: {
      clientToServer: {
        enter: { input: z.void(), output: z.void() },
        exit: { input: z.void(), output: z.void() },
        set: { input: z.number(), output: z.void() },
      },
    },
  },
  presence: { "room/:id": z.number() },
});
type Member = Client<typeof contract.definition, "member">;

const USERS = ["ann", "bob", "cat", undefined] as const;

/** An event: of a connection of a user on a node, of the viewer, or a pause. */
const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      act: fc.constantFrom("enter", "enter", "exit", "set", "close", "sever"),
      user: fc.nat({ max: USERS.length - 1 }),
      node: fc.nat({ max: 1 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      act: fc.constantFrom("lose", "move", "pause", "pause", "resume"),
      user: fc.constant(0),
      node: fc.constant(0),
    }),
  },
  { weight: 4, arbitrary: fc.constant({ act: "wait", user: 0, node: 0 } as const) },
);

/** Keeps what is heard of a view, and fails when it does not fit what was heard before. */
function replay(view: ReturnType<typeof presence<typeof contract.definition, "member", "room/1">>) {
  const members = new Map<string, string>();
  const wrong: string[] = [];
  const text = ({ node, state, user }: PresenceMember<number>) => JSON.stringify([node, user, state]);
  let known = false;
  view.on("sync", () => {
    if (!known) { for (const member of view.list()) members.set(member.id, text(member)); }
    known = true;
  });
  view.on("join", (member) => {
    if (members.has(member.id)) wrong.push(`joined twice: ${member.id}`);
    members.set(member.id, text(member));
  });
  view.on("update", (member) => {
    if (!members.has(member.id)) wrong.push(`changed before it joined: ${member.id}`);
    if (members.get(member.id) === text(member)) wrong.push(`did not change: ${member.id}`);
    members.set(member.id, text(member));
  });
  view.on("leave", ({ id }) => {
    if (!members.delete(id)) wrong.push(`left before it joined: ${id}`);
  });
  return {
    wrong,
    fits: () =>
      JSON.stringify([...members].sort()) === JSON.stringify(view.list().map((m) => [m.id, text(m)]).sort()),
  };
}

test(
  "after any faults of members, links and the viewer's node, its list is correct in the end, and equals the sum of its events",
  async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 25, size: "max" }),
        fc.constantFrom("user", "connection"),
        fc.constantFrom(1_000, 1_000, 2),
        async (steps, by, maxListed) => {
          const bus = createMemoryBus();
          const errors: unknown[] = [];
          const nodes = [0, 1].map(() => {
            const transport = createLoopbackTransport();
            const hub = createHub(contract, {
              authenticate: ({ role, token }) => ({ role, user: token ? { id: token } : undefined }),
              adapter: createMemoryAdapter({ bus }),
              transports: [transport],
              clock: microtaskClock,
              presence: { intervalMs: 1, authorize: { "room/:id": () => true }, maxListed },
              limits: { outbox: { highWaterBytes: 200 } }, // messages for clients that do not read must wait
              cluster: { joinTimeoutMs: 0 },
              onError: (error) => errors.push(error),
            });
            const room = hub.room("room/1");
            hub.implement({
              member: {
                enter: (_, { conn }) => room.add(conn),
                exit: (_, { conn }) => room.remove(conn),
                set: (n, { conn }) =>
                  conn.rooms.has("room/1") ? hub.presence("room/1").set(conn, n) : undefined,
              },
            });
            return { hub, transport };
          });
          for (const { hub } of nodes) await hub.ready;
          const options = {
            url: "ws://loopback",
            role: "member",
            reconnect: { baseMs: 0, maxMs: 1 },
            onError() {},
          } as const;
          const clients = new Map<string, { readonly client: Member; readonly link: LoopbackClient }>();
          const clientOf = (user: number, node: number) => {
            const key = `${user} ${node}`;
            const known = clients.get(key);
            if (known && known.client.status !== "closed") return known;
            const link = nodes[node]!.transport.client();
            const client = createClient(contract, { ...options, token: USERS[user], transport: link });
            clients.set(key, { client, link });
            return { client, link };
          };
          let at = 0;
          const links = nodes.map(({ transport }) => transport.client());
          const viewer = createClient(contract, {
            ...options,
            transport: { connect: (...args) => links[at]!.connect(...args) },
          });
          const view = presence(viewer, "room/1", { by });
          const heard = replay(view);
          await view.ready;
          let n = 0;
          for (const { act, user, node } of steps) {
            if (act === "wait") await new Promise((resolve) => setTimeout(resolve));
            else if (act === "pause" || act === "resume") links[at]![act]();
            else if (act === "lose" || act === "move") {
              const link = links[at]!;
              if (act === "move") at = 1 - at;
              link.sever();
            } else {
              const { client, link } = clientOf(user, node);
              if (act === "close") void client.close();
              else if (act === "sever") link.sever();
              else if (act === "set") client.request("set", ++n).catch(() => {});
              else client.request(act, undefined).catch(() => {});
            }
          }
          for (const link of links) link.resume();
          const truth = async (node: number) =>
            JSON.stringify(await nodes[node]!.hub.presence("room/1").list({ by }));
          const shows = async () => {
            if (view.listed) return JSON.stringify(view.list()) === await truth(at);
            return view.list().length === 0 &&
              view.count === await nodes[at]!.hub.presence("room/1").count({ by });
          };
          await waitFor(async () => view.synced && await truth(0) === await truth(1) && await shows(), {
            what: `the list to be true: ${JSON.stringify(view.list())}, ${await truth(0)}, ${await truth(1)}`,
          });
          if (maxListed > 2) {
            assertEquals(heard.wrong, []);
            assert(heard.fits(), "the events do not add up to the list");
            assertEquals(view.count, view.list().length);
          }
          assertEquals(errors, []);
          await viewer.close();
          for (const { client } of clients.values()) {
            await client.close();
          }
          for (const { hub } of nodes) {
            await waitFor(() => hub.stats().presence!.places === 0, { what: "nothing to be left" });
          }
          for (const { hub } of nodes) await hub.close();
        },
      ),
      runs(100),
    );
  },
  { timeoutMs: 60_000 },
);

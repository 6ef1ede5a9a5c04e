/**
 * The types of users, of `ctx` and of rules follow from the options of a hub. Checked by `deno check`; never run.
 */

import {
  type Contract,
  type ContractDefinition,
  createHub,
  defineContract,
  type Hub,
  type HubOptions,
  type HubUser,
} from "@trunkline/hub";
import { z } from "zod";

/** Compiles only when both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_: Same<A, B>): void {}

const chat = defineContract({
  shared: {
    topics: {
      stats: { payload: z.number() },
      "ticker/:symbol": { payload: z.number() },
    },
  },
  roles: { member: {}, admin: { topics: { audit: { payload: z.string() } } } },
  presence: {
    "room/:id": z.object({ kind: z.enum(["a", "b"]) }),
    "desk/:id": z.object({
      tags: z.array(z.string()),
      pair: z.tuple([z.string(), z.number()]),
      at: z.date(),
      bytes: z.instanceof(Uint8Array),
      deep: z.object({
        kind: z.literal("a"),
        list: z.array(z.object({ n: z.number(), m: z.string().optional() })),
      }),
    }),
  },
});

// Users and data: what `authenticate` gives. Only an answer without them makes them optional.
createHub(chat, {
  authenticate: ({ role }) => ({ role }),
  onConnection: (conn) => {
    same<typeof conn.user, HubUser | undefined>(true);
    same<typeof conn.ctx, undefined>(true);
  },
});
createHub(chat, {
  authenticate: async ({ role, token }) => {
    if (!token) return { role };
    return { role, user: await Promise.resolve({ id: token, age: 1 }), ctx: { since: 1 } };
  },
  onConnection: (conn) => {
    same<typeof conn.user, { id: string; age: number } | undefined>(true);
    same<typeof conn.ctx, { since: number } | undefined>(true);
  },
  rejoin: ({ conn }) => conn.user?.age === conn.ctx?.since,
});
const nameless = { role: "member" } as const;
createHub(chat, {
  // @ts-expect-error one answer has no user, and its type does not say so
  authenticate: ({ token }) => token ? { role: "member", user: { id: token } } : nameless,
});
createHub(chat, {
  authenticate: ({ role }) => ({ role, user: { id: "u", age: 1 } }),
  authorize: {
    "ticker/:symbol": ({ params, conn }) => params.symbol === "" && conn.user.age === 1,
    stats: undefined,
    audit: () => Promise.resolve(true),
  },
  rejoin: async ({ room, conn }) => await Promise.resolve(room === conn.user.id),
  onDisconnect: (conn) => void conn.user.age.toFixed(),
});
// All types given, none inferred.
createHub<typeof chat["definition"], { id: string; age: number }, { since: number }>(chat, {
  authenticate: ({ role }) => ({ role, user: { id: "u", age: 1 }, ctx: { since: 1 } }),
  authorize: { stats: ({ conn }) => conn.user.age > conn.ctx.since },
  rejoin: ({ conn }) => conn.user.age > conn.ctx.since,
  presence: {
    authorize: { "room/:id": ({ conn }) => conn.user.age > 1 },
    stateOf: { "room/:id": ({ conn }) => ({ kind: conn.user.age > 1 ? "a" : "b" }) },
  },
});
createHub<typeof chat["definition"], HubUser, undefined>(chat, {
  authenticate: ({ role }) => ({ role, user: { id: "u" } }),
  // @ts-expect-error not an answer
  authorize: { stats: () => "yes" },
});

// A function for any contract.
const forward = <C extends ContractDefinition>(
  contract: Contract<C>,
  options: HubOptions<C, HubUser, undefined>,
): Hub<C, HubUser, undefined> => createHub(contract, options);
void forward;

// A first state keeps its literals, and may hold lists and objects of classes.
createHub(chat, {
  authenticate: ({ role }) => ({ role, user: { id: "u", age: 1 } }),
  presence: {
    stateOf: {
      "room/:id": ({ conn, params }) => ({ kind: conn.user.age > 1 && params.id ? "a" : "b" }),
      "desk/:id": ({ name, conn }) =>
        conn.role === "admin" ? undefined : ({
          tags: [name, "x"],
          pair: ["x", 1],
          at: new Date(),
          bytes: new Uint8Array(1),
          deep: { kind: "a", list: [{ n: 1 }] },
        }),
    },
    authorize: { "room/:id": ({ conn }) => conn.user.age > 1 },
    leaveAfterMs: 5,
  },
});
createHub(chat, {
  authenticate: ({ role }) => ({ role }),
  presence: { stateOf: { "room/:id": () => ({ kind: "a" }), "desk/:id": undefined } },
});
createHub(chat, {
  authenticate: ({ role }) => ({ role }),
  // @ts-expect-error no such kind
  presence: { stateOf: { "room/:id": () => ({ kind: "c" }) } },
});
createHub(chat, {
  authenticate: ({ role }) => ({ role }),
  // @ts-expect-error it must answer at once
  presence: { stateOf: { "room/:id": () => Promise.resolve({ kind: "a" }) } },
});

// Rules that depend on something: the tables need not have the same names.
const isOpen = Math.random() < 0.5;
createHub(chat, {
  authenticate: ({ role }) => ({ role, user: { id: "u", age: 1 } }),
  authorize: isOpen ? {} : { stats: ({ conn }) => conn.user.age > 1 },
  presence: {
    authorize: isOpen ? { "desk/:id": () => true } : { "room/:id": ({ conn }) => conn.user.age > 1 },
    stateOf: isOpen ? {} : { "room/:id": () => ({ kind: "a" }) },
  },
});
createHub(chat, {
  authenticate: ({ role }) => ({ role }),
  // @ts-expect-error not an answer
  authorize: isOpen ? {} : { stats: () => "yes" },
});
createHub(chat, {
  authenticate: ({ role }) => ({ role }),
  // @ts-expect-error no such topic
  authorize: isOpen ? {} : { stast: () => true },
});

/**
 * Nodes of one cluster whose contracts keep presence, keep none, or say something else of it: a deployment under way.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import {
  createClient,
  createHub,
  createMemoryAdapter,
  createMemoryBus,
  createMemoryPresence,
  defineContract,
} from "@trunkline/hub";
import { createLoopbackTransport } from "@trunkline/hub/transports/loopback";
import { z } from "zod";
import { test, waitFor } from "../harness.ts";

const roles = { member: { clientToServer: { enter: { input: z.any(), output: z.void() } } } };
const plain = defineContract({ roles });
const present = defineContract({ roles, presence: { "room/:id": z.any() } });

test("presence: nodes that keep none, or keep it in a store, are not waited for", async () => {
  const bus = createMemoryBus();
  const options = () => ({
    authenticate: ({ role }: { readonly role: "member" }) => ({ role }),
    adapter: createMemoryAdapter({ bus }),
  });
  await using without = createHub(plain, options());
  const presence = { kind: "central", store: createMemoryPresence() } as const;
  await using central = createHub(present, { ...options(), presence });
  await Promise.all([without.ready, central.ready]);
  await using hub = createHub(present, options());
  await hub.ready;
  let members: readonly unknown[] | undefined;
  hub.presence("room/1").list().then((list) => members = list);
  await waitFor(() => members, { what: "a list that waits for no member", timeoutMs: 3_000 });
  assertEquals(members, []);
});

test("presence: a member is shown without a state if another node's schema turns its state into a value that cannot travel", async () => {
  for (const kind of ["gossip", "central"] as const) {
    const store = kind === "central" ? createMemoryPresence() : undefined;
    const bus = createMemoryBus();
    const errors: unknown[] = [];
    const options = (transport = createLoopbackTransport()) => ({
      authenticate: ({ role }: { readonly role: "member" }) => ({ role }),
      adapter: createMemoryAdapter({ bus }),
      transports: [transport],
      presence: { kind, store },
      onError: (error: unknown) => errors.push(error),
    });
    const transport = createLoopbackTransport();
    const first = defineContract({ roles, presence: { "room/:id": z.number() } });
    await using older = createHub(first, options(transport));
    const second = defineContract({
      roles,
      presence: { "room/:id": z.number().transform((n) => new Set([n])) },
    });
    await using newer = createHub(second, options());
    await Promise.all([older.ready, newer.ready]);
    older.implement({
      member: {
        async enter(_, { conn }) {
          await older.room("room/1").add(conn);
          older.presence("room/1").set(conn, 1);
        },
      },
    });
    const connect = { url: "ws://loopback", transport: transport.client(), role: "member" } as const;
    await using client = createClient(first, connect);
    await client.request("enter", null);
    const list = () => newer.presence("room/1").list();
    await waitFor(async () => (await list()).length === 1 || Promise.reject(), { what: "a member to join" });
    assertEquals((await list()).map(({ state }) => state), [undefined]);
    assertEquals(errors.length > 0, true);
  }
});

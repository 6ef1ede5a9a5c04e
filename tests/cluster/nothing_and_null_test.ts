import { assertEquals } from "@std/assert";
import { createHub, createMemoryAdapter, createMemoryBus, defineContract } from "@trunkline/hub";
import { createLoopbackTransport } from "@trunkline/hub/transports/loopback";
import { z } from "zod";
import { test, waitFor } from "../harness.ts";

const contract = defineContract({
  shared: { topics: { nothing: { payload: z.undefined() }, empty: { payload: z.null() } } },
  roles: { member: {} },
  serverToServer: {
    poke: { payload: z.undefined() },
    clear: { payload: z.null() },
    askNothing: { input: z.undefined(), output: z.undefined() },
    askNull: { input: z.null(), output: z.null() },
  },
});

test("payloads and answers of undefined and of null reach other nodes unchanged", async () => {
  const bus = createMemoryBus();
  const errors: unknown[] = [];
  const create = () =>
    createHub(contract, {
      authenticate: ({ role }) => ({ role }),
      transports: [createLoopbackTransport()],
      adapter: createMemoryAdapter({ bus }),
      onError: (error) => errors.push(error),
    });
  await using one = create();
  await using two = create();
  await Promise.all([one.ready, two.ready]);
  await waitFor(() => one.cluster.nodes().length === 2 && two.cluster.nodes().length === 2);
  const heard: unknown[] = [];
  two.onServer("poke", (payload) => void heard.push(payload));
  two.onServer("clear", (payload) => void heard.push(payload));
  two.onServer("askNothing", (input) => void heard.push(input));
  two.onServer("askNull", (input) => {
    heard.push(input);
    return null;
  });
  one.emitServer("poke", undefined);
  one.emitServer("clear", null);
  assertEquals(await one.requestServers("askNothing", undefined), {
    answers: new Map([[two.nodeId, undefined]]),
    missing: [],
  });
  assertEquals(await one.requestServers("askNull", null), {
    answers: new Map([[two.nodeId, null]]),
    missing: [],
  });
  assertEquals(heard, [undefined, null, undefined, null]);
  assertEquals(errors, []);
});

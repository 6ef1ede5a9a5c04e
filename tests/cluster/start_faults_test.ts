import { assertEquals, assertRejects } from "@std/assert";
import { createHub, createMemoryHistory, type Hub } from "@trunkline/hub";
import { createMemoryAdapter, createMemoryBus } from "@trunkline/hub/adapters/memory";
import { createLoopbackTransport } from "@trunkline/hub/transports/loopback";
import { FakeClock } from "../fake_clock.ts";
import { test, waitFor } from "../harness.ts";
import { chat } from "../hub/chat.ts";
import { Tap } from "../hub/tap.ts";

/** A hub whose `ready` no code reads, as in the first lines of most applications. */
function start(change: (tap: Tap) => void) {
  const tap = new Tap(createMemoryAdapter({ bus: createMemoryBus() }));
  change(tap);
  const clock = new FakeClock();
  const errors: string[] = [];
  const hub = createHub(chat, {
    authenticate: ({ role }) => ({ role }),
    transports: [createLoopbackTransport()],
    adapter: tap,
    clock,
    backplaneTimeoutMs: 1_000,
    onError: (error, { stage }) => errors.push(`${stage}: ${(error as Error).message}`),
  });
  return { hub, tap, clock, errors };
}

const reasonOf = async (hub: Pick<Hub<never>, "routes">) => {
  const { status, backplane } = await (await hub.routes.request("/health")).json();
  return [status, backplane.reason];
};

test("a start that the backplane refuses is reported and shown on the health page, even if no caller waits for the hub", async () => {
  const { hub, errors } = start((tap) => tap.open = () => Promise.reject(new Error("wrong password")));
  await using _ = hub;
  await waitFor(() => errors.length > 0, { what: "the report" });
  assertEquals(errors, ["open: wrong password"]);
  assertEquals(await reasonOf(hub), ["starting", "wrong password"]);
  await assertRejects(() => hub.ready, Error, "wrong password");
});

test("a start that a store of histories refuses is shown on the health page, although the backplane is up", async () => {
  for (const startWithoutBackplane of [false, true]) {
    const errors: string[] = [];
    await using hub = createHub(chat, {
      authenticate: ({ role }) => ({ role }),
      transports: [createLoopbackTransport()],
      startWithoutBackplane,
      history: Object.assign(createMemoryHistory(), {
        open: () => Promise.reject(new Error("Cannot keep histories: start the server with them")),
      }),
      onError: (error) => errors.push((error as Error).message),
    });
    await waitFor(() => errors.length > 0, { what: "the report" });
    const { status, reason, backplane } = await (await hub.routes.request("/health")).json();
    assertEquals([status, reason, backplane.status], [
      startWithoutBackplane ? "ok" : "starting",
      "Cannot keep histories: start the server with them",
      "up",
    ]);
  }
});

test("the health page no longer says why a start has failed, once it has succeeded", async () => {
  const opening = Promise.withResolvers<void>();
  const { hub, errors, clock } = start((tap) => {
    const open = tap.open.bind(tap);
    tap.open = (context) => opening.promise.then(() => open(context));
  });
  await using _ = hub;
  clock.advance(1_000);
  await waitFor(() => errors.length > 0, { what: "the report" });
  const health = async () => await (await hub.routes.request("/health")).json();
  assertEquals((await health()).reason, errors[0]!.slice("open: ".length));
  opening.resolve();
  await waitFor(async () => {
    clock.advance(250);
    return (await health()).status === "ok";
  }, { what: "a hub that serves" });
  assertEquals((await health()).reason, undefined);
});

test("a backplane that does not open in time is reported, with its error and the effect for clients", async () => {
  const { hub, errors, clock } = start((tap) => {
    tap.open = (context) => {
      context.onError(new Error("connection refused"), { stage: "open" });
      return new Promise(() => {});
    };
  });
  await using _ = hub;
  await waitFor(() => errors.length > 0, { what: "what the adapter says" });
  clock.advance(1_000);
  const late =
    "Backplane memory is not open after 1000 ms (connection refused): clients are answered 503 until it is open";
  assertEquals(errors, ["open: connection refused", `open: ${late}`]);
  await assertRejects(() => hub.ready, Error, late);
});

test("a backplane that refuses after the hub has given up waiting is reported too", async () => {
  const refusal = Promise.withResolvers<void>();
  const { hub, errors, clock } = start((tap) => tap.open = () => refusal.promise);
  await using _ = hub;
  clock.advance(1_000);
  refusal.reject(new Error("wrong password"));
  await waitFor(() => errors.length === 2, { what: "both reports" });
  assertEquals(errors[1], "open: wrong password");
});

test("a hub that is closed before its backplane is open reports nothing", async () => {
  const { hub, errors, clock } = start((tap) => tap.lose());
  await hub.close();
  clock.advance(1_000);
  await assertRejects(() => hub.ready, Error, "closed before");
  assertEquals(errors, []);
});

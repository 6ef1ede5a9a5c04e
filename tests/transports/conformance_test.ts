import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { transportConformance } from "../../conformance/mod.ts";
import { createLoopbackTransport } from "../../transports/loopback.ts";
import type { LinkAcceptor, ServerLinkEvents } from "../../transports/transport.ts";
import { test } from "../harness.ts";

/** The suite on a loopback whose reports to the hub are changed. */
const suiteWith = (change: (events: ServerLinkEvents) => Partial<ServerLinkEvents>, waitMs = 50) =>
  transportConformance({
    waitMs,
    start(acceptor) {
      const changed: LinkAcceptor = {
        subprotocols: acceptor.subprotocols,
        maxFrameBytes: acceptor.maxFrameBytes,
        highWaterBytes: acceptor.highWaterBytes,
        admit: (request) => acceptor.admit(request),
        withdraw: (request) => acceptor.withdraw(request),
        report: (error) => acceptor.report(error),
        accept(link, request) {
          const events = acceptor.accept(link, request);
          const { message, drain, close, freed } = events;
          const bound = {
            message: message.bind(events),
            drain: drain.bind(events),
            close: close.bind(events),
            freed: freed.bind(events),
          };
          return { ...bound, ...change(bound) };
        },
      };
      const transport = createLoopbackTransport();
      transport.attach(changed);
      return { client: transport.client(), url: "ws://localhost/", close() {} };
    },
  });

const ORDER = "frames arrive in order, whole, both ways";

const faults: Readonly<
  Record<string, { change(events: ServerLinkEvents): Partial<ServerLinkEvents>; case: string; error: string }>
> = {
  "delivers twice": {
    change: ({ message }) => ({ message: (frame) => (message(frame), message(frame)) }),
    case: ORDER,
    error: "What the server got",
  },
  "never lets go of a link": {
    change: () => ({ freed() {} }),
    case: ORDER,
    error: "Waited 50 ms for the transport to free the link",
  },
  "lets go before it says that a link is closed": {
    change: ({ close, freed }) => ({
      close: (code, reason) => (freed(), close(code, reason)),
      freed() {},
    }),
    case: ORDER,
    error: "Closes before the transport freed the link",
  },
  "says twice that a link is closed": {
    change: ({ close }) => ({ close: (code, reason) => (close(code, reason), close(code, reason)) }),
    case: ORDER,
    error: "Closes",
  },
  "forgets the reason of a close": {
    change: ({ close }) => ({ close: (code) => close(code, "") }),
    case: "code and reason of the client's close reach the server",
    error: "Closes at the server",
  },
};

for (const [what, { change, case: name, error }] of Object.entries(faults)) {
  test(`conformance: a transport that ${what} fails`, async () => {
    await assertRejects(suiteWith(change).find((one) => one.name === name)!.run, Error, error);
  });
}

test("conformance: a case of a transport is skipped with its reason, and only one that exists", () => {
  const start = () => ({ client: { connect: () => () => {} }, url: "", close() {} });
  const cases = transportConformance({ start, skip: [{ case: ORDER, reason: "it is a pigeon" }] });
  assertEquals(cases.find(({ name }) => name === ORDER)!.skip, "it is a pigeon");
  assertThrows(
    () => transportConformance({ start, skip: [{ case: "no such", reason: "a typing error" }] }),
    TypeError,
    'Cannot skip the case "no such"',
  );
});

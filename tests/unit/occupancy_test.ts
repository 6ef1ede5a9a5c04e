import { assertEquals } from "@std/assert";
import { Occupancy } from "../../hub/session/admission/occupancy.ts";
import type { LinkRequest } from "../../transports/transport.ts";
import { FakeClock } from "../fake_clock.ts";
import { test } from "../harness.ts";

const ask = (): LinkRequest => ({ request: new Request("http://localhost/"), address: undefined });

test("occupancy: links that are about to open count, so that many at once find no more room than one by one", () => {
  const places = new Occupancy(new FakeClock(), { maxConnections: 3, maxConnectionsPerAddress: 2 });
  const [a, b, c, d] = [ask(), ask(), ask(), ask()];
  assertEquals([a, b, c].map((request) => places.reserve(request, "x")), [undefined, undefined, "address"]);
  assertEquals([places.reserve(c, "y"), places.reserve(d, "z")], [undefined, "node"]);
  assertEquals(places.take(a, () => "other"), { address: "x", shortage: undefined });
  assertEquals([places.taken, places.addresses], [1, 2]);
  places.withdraw(b);
  places.withdraw(b);
  places.withdraw(a);
  assertEquals([places.taken, places.reserve(d, "x")], [1, undefined]);
});

test("occupancy: a reserved place that is not used is free again after two seconds", () => {
  const clock = new FakeClock();
  const places = new Occupancy(clock, { maxConnections: 1, maxConnectionsPerAddress: 9 });
  const late = ask();
  assertEquals(places.reserve(late, "x"), undefined);
  clock.advance(1_999);
  assertEquals(places.reserve(ask(), "y"), "node");
  clock.advance(1);
  assertEquals([places.reserve(ask(), "y"), places.addresses], [undefined, 1]);
  // It opens after all: its socket is there and counts, and the hub is told that it is one too many.
  assertEquals(places.take(late, () => "x"), { address: "x", shortage: "node" });
  assertEquals([places.taken, places.addresses], [1, 2]);
  places.leave("x");
  assertEquals([places.taken, places.addresses], [0, 1]);
});

test("occupancy: a link of a transport that did not call admit counts as any other", () => {
  const places = new Occupancy(new FakeClock(), { maxConnections: Infinity, maxConnectionsPerAddress: 1 });
  assertEquals(places.take(ask(), () => "x").shortage, undefined);
  assertEquals(places.take(ask(), () => "x").shortage, "address");
  assertEquals(places.take(ask(), () => undefined).shortage, undefined);
  for (const address of ["x", "x", undefined]) places.leave(address);
  assertEquals([places.taken, places.addresses], [0, 0]);
});

import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import type { Backplane } from "../../hub/backplane/backplane.ts";
import { test } from "../harness.ts";
import { membership, MembershipSubject } from "./membership.ts";
import { campaign, describeFailure } from "./report.ts";
import { simulate } from "./simulate.ts";
import type { System } from "./system.ts";

/** An object with one member in place of its own. */
function withMember<T extends object, K extends keyof T>(object: T, name: K, member: T[K]): T {
  return new Proxy(object, {
    get(target, key) {
      if (key === name) return member;
      const value = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** Membership in which no node hears one kind of message. */
function membershipDeafTo(kind: string): System {
  return {
    ...membership,
    create: (environment) => {
      const { line } = environment;
      const on: Backplane["on"] = (heard, handler) => {
        if (heard !== kind) line.backplane.on(heard, handler);
      };
      const deaf = withMember(line, "backplane", withMember(line.backplane, "on", on));
      return new MembershipSubject({ ...environment, line: deaf });
    },
  };
}

test("a node that ignores goodbyes is caught", async () => {
  const { failures } = await campaign(membershipDeafTo("bye"), {
    from: 1,
    to: 200,
    network: "adapter",
    wire: false,
  });
  assertEquals(failures.length, 1);
  const { error } = failures[0]!.shrunk.outcome.violation!;
  assert(error.message.includes("whose goodbye has arrived"), error.message);
});

test("a node that ignores that it was declared dead is caught, and by few faults", async () => {
  const system = membershipDeafTo("dead");
  const { failures } = await campaign(system, {
    from: 1,
    to: 200,
    nodes: 12,
    network: "adapter",
    wire: false,
  });
  assertEquals(failures.length, 1);
  const { scenario, shrunk } = failures[0]!;
  assertGreater(scenario.faults.length, shrunk.scenario.faults.length);
  assertEquals(shrunk.scenario.faults.length, 1);
  assertLess(shrunk.scenario.nodes, 5);

  const told = describeFailure(system, scenario, shrunk);
  assert(
    told.includes(`deno task sim --system membership --seed ${scenario.seed} --nodes 12 --network`),
    told,
  );
  assert(told.includes("did not converge"), told);
  const again = await simulate(shrunk.scenario, system);
  assertEquals(again.violation?.error.message, shrunk.outcome.violation?.error.message);
});

import { transportConformance, type TransportSetup } from "../../conformance/mod.ts";
import { test } from "../harness.ts";

/** Registers the published suite for a transport. */
export function conformanceTests(name: string, setup: TransportSetup): void {
  for (const { name: behaviour, skip, run } of transportConformance(setup)) {
    const title = `${name}: ${behaviour}`;
    if (skip) test.skip(title, skip);
    else test(title, run);
  }
}

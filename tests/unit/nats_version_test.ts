import { assertEquals } from "@std/assert";
import { storesBoth } from "../../adapters/nats/history/server_version.ts";
import { test } from "../harness.ts";

test("history in NATS JetStream: servers before 2.9.21 store two writes for one place, if the stream has replicas", () => {
  for (const version of ["2.9.10", "2.9.20", "2.8.4", "1.99.99", "v2.9.0", "2.9.20-beta.1"]) {
    assertEquals(storesBoth(version), true, version);
  }
  for (const version of ["2.9.21", "2.10.0", "2.12.3", "3.0.0", "v2.11.1", "", "dev", undefined]) {
    assertEquals(storesBoth(version), false, version);
  }
});

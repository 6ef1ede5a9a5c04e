import { assert } from "@std/assert";
import { CLIENT_LIMIT_BYTES, CLIENT_PAGE, measureBundles } from "../../bench/client_bundle.ts";
import { test } from "../harness.ts";

test("the client that a page loads is no larger than its limit, which is kept in bench/client_bundle.ts", async () => {
  const [size] = await measureBundles([CLIENT_PAGE]);
  assert(
    size!.gzipBytes <= CLIENT_LIMIT_BYTES,
    `it has ${size!.gzipBytes} bytes with gzip, the limit is ${CLIENT_LIMIT_BYTES}`,
  );
});

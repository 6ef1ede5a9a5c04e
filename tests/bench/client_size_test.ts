import { assert } from "@std/assert";
import {
  CLIENT_LIMIT_BYTES,
  CLIENT_PAGE,
  measureBundles,
  PRESENCE_LIMIT_BYTES,
  PRESENCE_PAGE,
} from "../../bench/client_bundle.ts";
import { test } from "../harness.ts";

test(
  "the client that a page loads is no larger than its limit, which is kept in bench/client_bundle.ts",
  async () => {
    const [client, presence] = (await measureBundles([CLIENT_PAGE, PRESENCE_PAGE])).map(({ gzipBytes }) =>
      gzipBytes
    );
    assert(
      client! <= CLIENT_LIMIT_BYTES,
      `it has ${client} bytes with gzip, the limit is ${CLIENT_LIMIT_BYTES}`,
    );
    const more = presence! - client!;
    assert(
      more <= PRESENCE_LIMIT_BYTES,
      `presence takes ${more} bytes more, the limit is ${PRESENCE_LIMIT_BYTES}`,
    );
  },
  { leaves: "the process of esbuild, which ends a moment after it was told to" },
);

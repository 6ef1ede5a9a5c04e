/**
 * The contract of the recovery benchmarks: stories, topics whose messages are kept for a while.
 *
 * @module
 */

import { defineContract } from "@trunkline/hub/contract";
import { z } from "zod";

const Text = z.object({ text: z.string() });

/** A message. */
export const contract = defineContract({
  roles: {
    member: {
      clientToServer: { echo: { input: Text, output: Text } },
    },
  },
  shared: {
    topics: { "story/:id": { payload: Text, history: { size: 512, ttlMs: 300_000 } } },
  },
});

/**
 * The contract of the benchmark of what a history costs: two topics that have all in common but the history.
 *
 * @module
 */

import { defineContract } from "@trunkline/hub/contract";
import { z } from "zod";

const Text = z.object({ text: z.string() });
const Said = z.object({ id: z.string(), text: z.string() });

/** How much is kept: more than is ever on its way, so that a node that reads what it missed finds it. */
export const KEPT = { size: 4_096, ttlMs: 300_000 };

/** What is said and heard. Both topics' names have the same length. */
export const contract = defineContract({
  roles: {
    member: {
      clientToServer: { publish: { payload: Said }, keep: { payload: Said } },
    },
  },
  shared: {
    topics: {
      "line/:id": { payload: Text },
      "kept/:id": { payload: Text, history: KEPT },
    },
  },
});

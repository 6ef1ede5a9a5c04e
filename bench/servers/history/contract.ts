/**
 * The contract of the benchmark `history`: two topics that differ only in their history.
 *
 * @module
 */

import { defineContract } from "@trunkline/hub/contract";
import { z } from "zod";

const Text = z.object({ text: z.string() });
const Said = z.object({ id: z.string(), text: z.string() });

/** How much the history keeps: more than is ever on its way, so a node always finds the messages that it missed. */
export const KEPT = { size: 4_096, ttlMs: 300_000 };

/** A message. The names of both topics have the same length. */
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

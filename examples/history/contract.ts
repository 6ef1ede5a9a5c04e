// What the nodes and their clients say to each other: a topic with history.
import { defineContract } from "@trunkline/hub/contract";
import { z } from "zod";

export const prices = defineContract({
  shared: {
    topics: {
      // The newest 1,000, of the last ten minutes: who is away for longer, or misses more, is told so.
      "price/:symbol": { payload: z.object({ price: z.number() }), history: { size: 1_000, ttlMs: 600_000 } },
    },
  },
  roles: { reader: {} },
});
